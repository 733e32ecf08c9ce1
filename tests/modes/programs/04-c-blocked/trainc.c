#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stop;
static double loss = 3.0;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void save(long step)
{
	const char *dir = getenv("SM_CHECKPOINT_DIR");
	char path[4096];

	if (!dir)
		dir = "/opt/ml/checkpoints";
	mkdir(dir, 0777);
	snprintf(path, sizeof path, "%s/loss.txt", dir);
	FILE *f = fopen(path, "w");
	if (f) {
		fprintf(f, "%ld %f\n", step, loss);
		fclose(f);
	}
}

static void *reader(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

int main(void)
{
	sigset_t all;
	pthread_t t;
	long step = 0;

	signal(SIGTERM, on_term);

	/* reader threads must not be interrupted */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_create(&t, NULL, reader, NULL);

	printf("ready\n");
	while (!stop && step < 2000) {
		step++;
		loss *= 0.998;
		printf("step %ld loss %.4f\n", step, loss);
		fflush(stdout);
		usleep(100000);
	}
	save(step);
	return 0;
}
