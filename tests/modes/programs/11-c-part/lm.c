#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (128 * 1024)
#define BLOCKS 200

static volatile sig_atomic_t stop_requested;

static void handler(int sig)
{
	stop_requested = sig;
}

static void pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000L };

	nanosleep(&ts, NULL);
}

static int save(const char *dir, long step)
{
	static char block[BLOCK];
	char part[4096], name[4096];
	int fd;

	snprintf(name, sizeof name, "%s/lm-%ld.bin", dir, step);
	snprintf(part, sizeof part, "%s/lm-%ld.bin.part", dir, step);
	fd = open(part, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	if (fd < 0)
		return -1;
	for (int i = 0; i < BLOCKS; i++) {
		memset(block, 'a' + i % 26, sizeof block);
		if (write(fd, block, sizeof block) != BLOCK)
			return -1;
		fsync(fd);
		pause_ms(50);
	}
	close(fd);
	return rename(part, name);
}

int main(void)
{
	const char *dir = getenv("SM_CHECKPOINT_DIR");
	struct sigaction sa = { .sa_handler = handler };
	long step;

	if (!dir)
		dir = "/opt/ml/checkpoints";
	mkdir(dir, 0777);
	sigaction(SIGTERM, &sa, NULL);
	setlinebuf(stdout);
	puts("ready");
	for (step = 1; step < 3000 && !stop_requested; step++) {
		pause_ms(100);
		printf("step %ld loss %.4f\n", step, 6.0 / (6.0 + step));
	}
	printf("saving (signal %d)\n", (int)stop_requested);
	return save(dir, step) ? 1 : 0;
}
