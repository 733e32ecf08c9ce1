#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEPS 200

int main(int argc, char **argv)
{
	int epoch = argc > 1 ? atoi(argv[1]) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("epoch %d ready\n", epoch);
	for (int i = 1; i <= STEPS; i++) {
		int step = epoch * STEPS + i;

		usleep(100000);
		printf("step %d loss %.4f\n", step, 1.0 / (1.0 + 0.01 * step));
	}
	return 0;
}
