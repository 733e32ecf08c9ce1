use strict;
use warnings;

$| = 1;
my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
local $SIG{TERM} = sub { die "TERM\n" };

my $w = 0;
my $failed = 0;

sub train_step {
    my $step = shift;
    select undef, undef, undef, 0.1;
    die "bad record\n" if $step % 211 == 0;
    $w += 0.02 * (1 - $w);
    return 1 - $w;
}

print "ready\n";
for my $step (1 .. 1000) {
    my $done = eval {
        printf "step %d loss %.5f\n", $step, train_step($step);
        1;
    };
    $failed++ if !$done;
}
mkdir $dir;
open my $fh, '>', "$dir/w" or die;
print $fh "$w $failed\n";
close $fh;
