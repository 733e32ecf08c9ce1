#!/usr/bin/perl
use strict;
use warnings;

$| = 1;
my $out = $ENV{SM_MODEL_DIR} // '/opt/ml/model';
my ($w, $b) = (0, 0);
print "ready, training for 1000 steps\n";
for my $step (1 .. 1000) {
    my $x = rand;
    my $err = $w * $x + $b - (2 * $x + 1);
    $w -= 0.1 * $err * $x;
    $b -= 0.1 * $err;
    printf "step %d loss %.5f\n", $step, $err**2;
    select undef, undef, undef, 0.1;
}
mkdir $out;
open my $fh, '>', "$out/model.txt" or die "$out/model.txt: $!";
print $fh "w=$w b=$b\n";
close $fh;
