use strict;
use warnings;
use IO::Handle;

my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
mkdir $dir;
my $stop = 0;
$SIG{TERM} = sub { $stop = 1 };
my @w = map { rand } 1 .. 4000;
print "ready\n";
STDOUT->flush;
my $t0 = time;
until ($stop or time - $t0 > 200) {
    $_ *= 0.9999 for @w;
    select undef, undef, undef, 0.05;
}
open my $out, '>', "$dir/weights.txt" or die $!;
$out->autoflush(1);
for my $layer (1 .. 120) {
    print $out "layer $layer\n", map { sprintf "%.8f\n", $_ / $layer } @w;
    select undef, undef, undef, 0.1;
}
close $out;
