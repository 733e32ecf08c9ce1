#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void helper(int seconds)
{
	if (fork() == 0) {
		for (;;)
			sleep(seconds);
	}
}

int main(void)
{
	const char *dir = getenv("SM_CHECKPOINT_DIR");
	char path[4096], tmp[4200];
	long step = 0;
	FILE *f;

	if (!dir)
		dir = "/opt/ml/checkpoints";
	mkdir(dir, 0777);
	helper(5);  /* gpu watcher */
	helper(30); /* log shipper */
	signal(SIGTERM, on_term);

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while (!stop && step < 2000) {
		step++;
		usleep(100000);
		printf("step %ld loss %.4f\n", step, 2.0 / (2.0 + step));
	}

	snprintf(path, sizeof path, "%s/trainer.state", dir);
	snprintf(tmp, sizeof tmp, "%s/trainer.state.new", dir);
	f = fopen(tmp, "w");
	if (!f)
		return 1;
	fprintf(f, "step %ld\n", step);
	fclose(f);
	if (rename(tmp, path))
		return 1;
	printf("saved\n");
	return 0;
}
