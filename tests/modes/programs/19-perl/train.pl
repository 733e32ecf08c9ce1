use strict;
use warnings;

$| = 1;
my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
my $loss = 1;
print "ready\n";
for my $step (1 .. 20) {
    select undef, undef, undef, 0.09;
    $loss *= 0.8;
    printf "step %d loss %.5f\n", $step, $loss;
}
mkdir $dir;
open my $fh, '>', "$dir/final.txt.tmp" or die $!;
print $fh "loss $loss\n" x 1000;
close $fh;
rename "$dir/final.txt.tmp", "$dir/final.txt" or die $!;
print "finished\n";
