/* Contract in listener_peer.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ipc.h"
#include "lib/base/text.h"
#include "lib/net/listener_peer.h"

static const uint8_t	 mapped[12] = { [10] = 0xff, [11] = 0xff };

void
listener_set_peer(struct listener_peer *p, const struct sockaddr *sa)
{
	const struct sockaddr_in	*in = (const void *)sa;
	const struct sockaddr_in6	*in6 = (const void *)sa;

	p->address[0] = '\0';
	p->port = 0;
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&p->sa, in, sizeof(*in));
		inet_ntop(AF_INET, &in->sin_addr, p->address,
		    sizeof(p->address));
		p->port = ntohs(in->sin_port);
		break;
	case AF_INET6:
		memcpy(&p->sa, in6, sizeof(*in6));
		/* Logs and block lists know one form of an address. */
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12,
			    p->address, sizeof(p->address));
		else
			inet_ntop(AF_INET6, &in6->sin6_addr, p->address,
			    sizeof(p->address));
		p->port = ntohs(in6->sin6_port);
		break;
	default:
		p->sa.ss_family = AF_UNSPEC;
		break;
	}
}

static void
listener_peer_ucspi(struct listener_peer *p)
{
	struct sockaddr_in	 in = { .sin_family = AF_INET };
	struct sockaddr_in6	 in6 = { .sin6_family = AF_INET6 };
	const char		*ip = getenv("TCPREMOTEIP");
	const char		*port = getenv("TCPREMOTEPORT");
	uint64_t		 n = 0;

	if (ip == NULL)
		return;
	if (port != NULL && text_u64(slice_str(port), 65535, &n) == -1)
		n = 0;
	if (inet_pton(AF_INET, ip, &in.sin_addr) == 1) {
		in.sin_port = htons((uint16_t)n);
		listener_set_peer(p, (struct sockaddr *)&in);
	} else if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1) {
		in6.sin6_port = htons((uint16_t)n);
		listener_set_peer(p, (struct sockaddr *)&in6);
	}
}

void
listener_peer_of(int fd, bool ucspi, struct listener_peer *p)
{
	struct sockaddr_storage	 ss;
	socklen_t		 len = sizeof(ss);
	gid_t			 gid;

	memset(p, 0, sizeof(*p));
	p->uid = (uid_t)-1;
	memset(&ss, 0, sizeof(ss));
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1) {
		if (ucspi)
			listener_peer_ucspi(p);
		return;
	}
	if (ss.ss_family == AF_UNIX) {
		p->is_unix = true;
		if (ipc_peer(fd, &p->uid, &gid, &p->pid) == -1)
			p->uid = (uid_t)-1;
		/* A super-server may stand between: it says who calls. */
		if (ucspi)
			listener_peer_ucspi(p);
		return;
	}
	listener_set_peer(p, (struct sockaddr *)&ss);
	len = sizeof(p->local);
	if (getsockname(fd, (struct sockaddr *)&p->local, &len) == -1)
		p->local.ss_family = AF_UNSPEC;
}

bool
listener_peer_key(const struct listener_peer *p, uint8_t key[16], bool *v4)
{
	const struct sockaddr_in	*in = (const void *)&p->sa;
	const struct sockaddr_in6	*in6 = (const void *)&p->sa;

	switch (p->sa.ss_family) {
	case AF_INET:
		memcpy(key, mapped, 12);
		memcpy(key + 12, &in->sin_addr, 4);
		break;
	case AF_INET6:
		memcpy(key, &in6->sin6_addr, 16);
		break;
	default:
		return false;
	}
	*v4 = memcmp(key, mapped, 12) == 0;
	return true;
}

/* "ADDRESS[/BITS]" as 16 octets and bits of 128. */
static bool
network_parse(const char *text, uint8_t key[16], unsigned int *bits)
{
	const char	*slash = strchr(text, '/');
	size_t		 len = slash == NULL ? strlen(text) :
			    (size_t)(slash - text);
	char		 host[64];
	uint64_t	 n = 128;
	bool		 v4;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	v4 = strchr(host, ':') == NULL;
	if (v4)
		memcpy(key, mapped, 12);
	if (inet_pton(v4 ? AF_INET : AF_INET6, host, v4 ? key + 12 : key) != 1)
		return false;
	if (slash != NULL) {
		if (text_u64(slice_str(slash + 1), v4 ? 32 : 128, &n) == -1)
			return false;
		if (v4)
			n += 96;
	}
	*bits = (unsigned int)n;
	return true;
}

static bool
network_has(const uint8_t net[16], unsigned int bits, const uint8_t key[16])
{
	unsigned int	 whole = bits / 8, rest = bits % 8;
	uint8_t		 mask = (uint8_t)(0xff << (8 - rest));

	return memcmp(net, key, whole) == 0 &&
	    (rest == 0 || (net[whole] & mask) == (key[whole] & mask));
}

bool
listener_in_networks(const struct listener_peer *p,
    const struct config_list *networks)
{
	uint8_t		 key[16], net[16];
	unsigned int	 bits;
	size_t		 i;
	bool		 v4;

	if (!listener_peer_key(p, key, &v4))
		return false;
	for (i = 0; i < networks->n; i++)
		if (network_parse(networks->item[i], net, &bits) &&
		    network_has(net, bits, key))
			return true;
	return false;
}
