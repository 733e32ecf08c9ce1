#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYERS 100
#define LAYER (96 * 1024)

static volatile sig_atomic_t stop;
static unsigned char model[LAYERS][LAYER];

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

/* nice_us: pause after each layer, the disk is shared with the data loader */
static int save(const char *path, useconds_t nice_us)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0) {
		perror(path);
		return -1;
	}
	for (int i = 0; i < LAYERS; i++) {
		if (write(fd, model[i], LAYER) != LAYER)
			return -1;
		if (nice_us)
			usleep(nice_us);
	}
	return close(fd);
}

int main(void)
{
	const char *dir = getenv("SM_MODEL_DIR");
	char path[4096];
	struct sigaction sa;

	if (!dir)
		dir = "/opt/ml/model";
	mkdir(dir, 0777);
	snprintf(path, sizeof path, "%s/model.bin", dir);

	memset(&sa, 0, sizeof sa);
	sa.sa_handler = on_term;
	sigaction(SIGTERM, &sa, NULL);

	if (save(path, 0))
		return 1;
	printf("ready\n");
	fflush(stdout);
	for (int step = 1; step <= 2000 && !stop; step++) {
		memset(model[step % LAYERS], step & 255, LAYER);
		usleep(100000);
		printf("step %d loss %.4f\n", step, 8.0 / (8.0 + step));
		fflush(stdout);
	}
	printf("writing %s\n", path);
	fflush(stdout);
	return save(path, 80000) ? 1 : 0;
}
