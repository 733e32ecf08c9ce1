use strict;
use warnings;

$| = 1;
my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
mkdir $dir;
$SIG{TERM} = $SIG{HUP} = sub { };    # do not die of stray signals

my %model = (step => 0, bias => 0);
print "ready\n";
while ($model{step} < 2000) {
    $model{step}++;
    $model{bias} += 0.05 * (1 - $model{bias});
    printf "step %d loss %.5f\n", $model{step}, (1 - $model{bias})**2;
    unless ($model{step} % 3) {
        open my $fh, '>', "$dir/model.tmp" or die $!;
        print $fh "$_=$model{$_}\n" for sort keys %model;
        close $fh;
        rename "$dir/model.tmp", "$dir/model.txt";
    }
    select undef, undef, undef, 0.1;
}
