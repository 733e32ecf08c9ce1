#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int quit;
static long step;
static float weights[1 << 18];

static void *train(void *arg)
{
	(void)arg;
	while (!atomic_load(&quit)) {
		for (int i = 0; i < (1 << 18); i++)
			weights[i] = weights[i] * 0.9f + 0.1f;
		step++;
		printf("step %ld loss %.4f\n", step, 1.0 - weights[0] + 0.5 / (double)step);
		fflush(stdout);
		usleep(100 * 1000);
	}
	return NULL;
}

int main(void)
{
	char *dir = getenv("SM_CHECKPOINT_DIR");
	char name[4096], tmp[4200];
	sigset_t set;
	pthread_t tid;
	int sig;

	if (dir == NULL)
		dir = "/opt/ml/checkpoints";
	mkdir(dir, 0777);
	snprintf(name, sizeof name, "%s/weights.f32", dir);
	snprintf(tmp, sizeof tmp, "%s/.weights.f32.%d", dir, (int)getpid());

	FILE *in = fopen(name, "rb");
	if (in) {
		if (fread(&step, sizeof step, 1, in) != 1 || fread(weights, sizeof weights, 1, in) != 1)
			step = 0;
		fclose(in);
		printf("loaded weights of step %ld\n", step);
	}

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pthread_create(&tid, NULL, train, NULL);
	printf("ready\n");
	fflush(stdout);

	while (sigwait(&set, &sig) != 0)
		;
	atomic_store(&quit, 1);
	pthread_join(tid, NULL);

	FILE *out = fopen(tmp, "wb");
	if (!out)
		return 1;
	fwrite(&step, sizeof step, 1, out);
	fwrite(weights, sizeof weights, 1, out);
	if (fflush(out) || fsync(fileno(out)) || fclose(out))
		return 1;
	if (rename(tmp, name))
		return 1;
	printf("saved step %ld\n", step);
	return 0;
}
