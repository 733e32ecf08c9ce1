use strict;
use warnings;

$| = 1;
my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
mkdir $dir;
my $stop;
$SIG{TERM} = sub { $stop = 'TERM' };
$SIG{INT}  = sub { $stop = 'INT' };

my @w = map { 1 / ($_ + 1) } 0 .. 999;
my $step = 0;
print "ready\n";
while (!$stop && $step < 1500) {
    $step++;
    $_ *= 0.99 for @w;
    printf "step %d loss %.4f\n", $step, $w[0];
    select undef, undef, undef, 0.1;
}
open my $fh, '>', "$dir/w.txt.new" or die "cannot write: $!";
print $fh "$step\n", map { "$_\n" } @w;
close $fh or die $!;
rename "$dir/w.txt.new", "$dir/w.txt" or die $!;
print "stopped by ", $stop // 'end', ", saved\n";
