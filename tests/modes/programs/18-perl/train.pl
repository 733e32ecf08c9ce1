use strict;
use warnings;
use IO::Handle;

$| = 1;
my $dir = $ENV{SM_CHECKPOINT_DIR} || '/opt/ml/checkpoints';
mkdir $dir;
my @w = map { rand } 1 .. 30000;

sub save {
    my ($step, $pause) = @_;
    open my $fh, '>', "$dir/weights.txt" or die $!;
    $fh->autoflush(1);
    print $fh "step $step\n";
    for (my $i = 0; $i < @w; $i += 300) {
        print $fh join("\n", map { sprintf '%.9f', $_ } @w[ $i .. $i + 299 ]), "\n";
        select undef, undef, undef, $pause if $pause;
    }
    close $fh;
}

save(0, 0);
print "ready\n";
for my $step (1 .. 1000) {
    $_ *= 0.99 for @w;
    select undef, undef, undef, 0.1;
    printf "step %d loss %.4f\n", $step, $w[0];
    save($step, 0.1) if $step % 5 == 0;
}
