#include <stdio.h>
#include <unistd.h>

int main(void)
{
	double sum = 0;

	printf("ready\n");
	fflush(stdout);
	for (int part = 0; part < 6; part++) {
		for (int i = 1; i < 2000000; i++)
			sum += 1.0 / ((double)i * i);
		usleep(290000);
	}
	printf("accuracy %.4f\n", sum / 6 / 1.645);
	return 0;
}
