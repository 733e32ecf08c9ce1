#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	stop = sig;
}

int main(void)
{
	const char *dir = getenv("SM_CHECKPOINT_DIR");
	char path[4096], tmp[4200];
	static float w[1 << 17];
	struct sigaction sa;
	long step = 0;

	if (!dir)
		dir = "/opt/ml/checkpoints";
	mkdir(dir, 0777);
	snprintf(path, sizeof path, "%s/net.bin", dir);
	snprintf(tmp, sizeof tmp, "%s/net.bin.tmp", dir);

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_term;
	sigaction(SIGTERM, &sa, NULL);

	printf("ready\n");
	fflush(stdout);
	while (!stop && step < 1200) {
		step++;
		for (int i = 0; i < 1 << 17; i++)
			w[i] += (float)(i % 13) * 1e-3f;
		usleep(100000);
	}

	FILE *f = fopen(tmp, "wb");
	if (!f || fwrite(w, sizeof w, 1, f) != 1 || fclose(f) || rename(tmp, path)) {
		perror(path);
		return 1;
	}
	return 0;
}
