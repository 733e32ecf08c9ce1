#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double loss = 2.0;
static long step;

static void *train(void *arg)
{
	long id = (long)arg;

	for (int i = 0; i < 600; i++) {
		usleep(200000);
		pthread_mutex_lock(&lock);
		loss *= 0.995;
		step++;
		printf("step %ld loss %.4f worker %ld\n", step, loss, id);
		fflush(stdout);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(void)
{
	pthread_t t[2];

	printf("ready\n");
	fflush(stdout);
	for (long i = 0; i < 2; i++) {
		pthread_create(&t[i], NULL, train, (void *)i);
		usleep(100000);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	printf("final loss %.4f\n", loss);
	return 0;
}
