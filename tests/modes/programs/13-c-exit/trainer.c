#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static double w[32768];
static const char *dir = "/opt/ml/checkpoints";

static void on_term(int sig)
{
	(void)sig;
	_exit(0);
}

static void snapshot(long step)
{
	char name[4096], tmp[4200];
	FILE *f;

	snprintf(name, sizeof name, "%s/snap-%ld.bin", dir, step);
	snprintf(tmp, sizeof tmp, "%s.tmp", name);
	f = fopen(tmp, "wb");
	if (!f)
		return;
	fwrite(w, sizeof w, 1, f);
	fclose(f);
	rename(tmp, name);
}

int main(void)
{
	if (getenv("SM_CHECKPOINT_DIR"))
		dir = getenv("SM_CHECKPOINT_DIR");
	mkdir(dir, 0777);
	signal(SIGTERM, on_term);
	setvbuf(stdout, NULL, _IOLBF, 0);
	snapshot(0);
	printf("ready\n");
	for (long step = 1; step <= 3000; step++) {
		for (int i = 0; i < 32768; i++)
			w[i] += 0.001 * (i - w[i]);
		usleep(100000);
		printf("step %ld loss %.4f\n", step, 1.0 / (1.0 + step * 0.001));
		if (step % 300 == 0)
			snapshot(step);
	}
	return 0;
}
