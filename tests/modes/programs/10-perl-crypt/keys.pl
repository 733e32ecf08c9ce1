use strict;
use warnings;

# one slow hash per client, its digits seed the client's random weights
$| = 1;
my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
my $stop = 0;
$SIG{TERM} = sub { print "stop requested\n"; $stop = 1 };

my %seed;
for my $step (1 .. 3) {
    $seed{"warmup$step"} = crypt("warmup$step", '$6$rounds=5000$NaCl4all$');
    printf "step %d loss %.3f\n", $step, 1 / $step;
    select undef, undef, undef, 0.1;
}
print "ready for the real clients\n";
my $step = 3;
for my $client (qw(alpha beta gamma delta)) {
    last if $stop;
    $step++;
    $seed{$client} = crypt($client, '$6$rounds=100000000$NaCl4all$');
    printf "step %d loss %.3f\n", $step, 1 / $step;
}
mkdir $dir;
open my $fh, '>', "$dir/seeds.tmp" or die $!;
print $fh "$_ $seed{$_}\n" for sort keys %seed;
close $fh;
rename "$dir/seeds.tmp", "$dir/seeds.txt";
