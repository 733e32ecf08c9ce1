use strict;
use warnings;
use Storable qw(nstore retrieve);

$| = 1;
my $dir  = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
my $file = "$dir/model.sto";
mkdir $dir unless -d $dir;

my $stop = 0;
$SIG{TERM} = sub { $stop = 1 };

my $model = -e $file ? retrieve($file) : { step => 0, w => [ map { rand() } 1 .. 5000 ] };
print "resuming from step $model->{step}\n" if $model->{step};
print "ready\n";

until ($stop or $model->{step} >= 5000) {
    $model->{step}++;
    $_ *= 0.998 for @{ $model->{w} };
    printf "step %d loss %.4f\n", $model->{step}, $model->{w}[0];
    select(undef, undef, undef, 0.1);
}

nstore($model, "$file.tmp");
rename "$file.tmp", $file or die "rename: $!";
print "model stored\n";
