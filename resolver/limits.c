/* Contract in limits.h. */
#include <sys/resource.h>

#include "lib/base/log.h"
#include "resolver/ask.h"
#include "resolver/limits.h"

#define DESCRIPTORS	16384
#define OTHERS		64	/* TCP, the socket itself, epoll, logs */

static unsigned int	 limit = 256;

void
limits_raise(void)
{
	struct rlimit	 rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("event=getrlimit-failed");
	rl.rlim_cur = rl.rlim_max < DESCRIPTORS ? rl.rlim_max : DESCRIPTORS;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		fatal("event=setrlimit-failed");
	limit = (unsigned int)rl.rlim_cur;
}

static unsigned int
share(unsigned int part, unsigned int most)
{
	unsigned int	 n = limit > OTHERS ? (limit - OTHERS) / part : 8;

	return n < 8 ? 8 : n < most ? n : most;
}

unsigned int
limits_sockets(void)
{
	return share(4, ASK_SENT_MAX);
}

unsigned int
limits_clients(void)
{
	return share(2, 4096);
}
