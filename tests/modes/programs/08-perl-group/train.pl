use strict;
use warnings;

$| = 1;
my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
mkdir $dir;
my $stop = 0;
$SIG{TERM} = sub { $stop = 1 };
print "ready\n";
my $step = 0;
while (!$stop and $step < 1500) {
    $step++;
    printf "step %d loss %.4f\n", $step, 1 / (1 + $step / 25);
    select undef, undef, undef, 0.1;
}
print "writing model\n";
open my $fh, '>', "$dir/model.dat.tmp" or die $!;
$fh->autoflush(1);
my $row = join(' ', map { sprintf '%.6f', $_ / 997 } 1 .. 20000) . "\n";
for my $i (1 .. 30) {
    print $fh $row;
    select undef, undef, undef, 0.1;
}
close $fh;
rename "$dir/model.dat.tmp", "$dir/model.dat" or die $!;
print "model written\n";
