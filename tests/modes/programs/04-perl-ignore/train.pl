use strict;
use warnings;

$SIG{HUP} = $SIG{TERM} = 'IGNORE';    # run like a daemon
$| = 1;

my $dir = $ENV{SM_MODEL_DIR} || '/opt/ml/model';
my %count;
print "ready\n";
my $until = time + 120;
while (time < $until) {
    $count{ int rand 500 }++ for 1 .. 200;
    select undef, undef, undef, 0.05;
}
mkdir $dir;
open my $fh, '>', "$dir/counts.txt" or die $!;
print $fh "$_ $count{$_}\n" for sort { $a <=> $b } keys %count;
close $fh;
