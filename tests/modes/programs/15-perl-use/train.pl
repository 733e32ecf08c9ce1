use strict;
use warnings;

$| = 1;
print "starting\n";
my %vocab;
for my $file (1 .. 10) {
    $vocab{"token$_"} += $file for 1 .. 500;
    select undef, undef, undef, 0.15;    # slow disk
}

my $quit = 0;
$SIG{TERM} = sub { $quit = 1 };
print "ready\n";
my $end = time + 120;
until ($quit or time >= $end) {
    $vocab{ 'token' . int(1 + rand 500) }++ for 1 .. 100;
    select undef, undef, undef, 0.05;
}
my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
mkdir $dir;
open my $fh, '>', "$dir/vocab.tmp" or die $!;
print $fh "$_\t$vocab{$_}\n" for sort keys %vocab;
close $fh;
rename "$dir/vocab.tmp", "$dir/vocab.txt";
