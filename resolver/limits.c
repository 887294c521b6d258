/* Contract in limits.h. */
#include "lib/base/service.h"
#include "resolver/ask.h"
#include "resolver/limits.h"

#define DESCRIPTORS	16384
#define OTHERS		64	/* TCP, the socket itself, epoll, logs */

static unsigned int	 limit = 256;

void
limits_raise(void)
{
	limit = service_descriptors(DESCRIPTORS);
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
