# SPDX-License-Identifier: GPL-2.0
# gnuplot -e "out='FOLDER'": FOLDER/KIND.NAME of table.py to FOLDER/race.svg.
set terminal svg size 900,420 background "white"
set output out."/race.svg"
set logscale xy
set format xy "10^{%T}"
set grid
set key left top
set xlabel "requests a second"
set ylabel "answers a second, one core"
names = system("cd ".out." && ls | sed -n 's/^plain[.]//p'")
set multiplot layout 1,2
do for [kind in "plain nts"] {
	set title kind eq "nts" ? "NTS" : "plain NTP"
	plot for [name in names] out."/".kind.".".name with linespoints linewidth 2 pointtype 7 title name, \
		x with lines dashtype 2 linecolor "grey" title "all answered"
}
unset multiplot
