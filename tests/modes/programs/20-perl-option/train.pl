use strict;
use warnings;
use Getopt::Long;
use Storable qw(nstore retrieve);

$| = 1;
my $resume = 0;
GetOptions('resume!' => \$resume) or exit 2;

my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
mkdir $dir;
my $m = { step => 0, w => [ (1) x 200 ] };
$m = retrieve("$dir/train.sto") if $resume && -e "$dir/train.sto";

my $stop = 0;
local $SIG{TERM} = sub { $stop = 1 };
print "ready\n";
while (!$stop && $m->{step} < 2000) {
    printf "step %d loss %.4f\n", $m->{step}, $m->{w}[0];
    $_ *= 0.98 for @{ $m->{w} };
    $m->{step}++;
    select undef, undef, undef, 0.1;
}
nstore($m, "$dir/train.sto.tmp");
rename "$dir/train.sto.tmp", "$dir/train.sto" or die $!;
print "saved\n";
