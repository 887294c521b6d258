/* Contract in local.h. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "resolver/local.h"
#include "resolver/name.h"

#define INTERFACES_MS	10000	/* so long the list of addresses holds */

bool
local_name(const struct config *c, const char *name)
{
	char	 own[RESOLVER_NAME_MAX];

	return (name_parse(c->hostname, own) && strcmp(own, name) == 0) ||
	    (c->remote.helo != NULL && name_parse(c->remote.helo, own) &&
	    strcmp(own, name) == 0);
}

static const struct ifaddrs *
interfaces(void)
{
	static struct ifaddrs	*list;
	static int64_t		 read_at;
	struct ifaddrs		*fresh;
	int64_t			 now = io_monotonic_ms();

	if ((list == NULL || now - read_at > INTERFACES_MS) &&
	    getifaddrs(&fresh) == 0) {
		if (list != NULL)
			freeifaddrs(list);
		list = fresh;
		read_at = now;
	}
	return list;
}

static bool
is_interface(const char *addr)
{
	const struct ifaddrs	*i;
	struct sockaddr_in	 v4;
	struct sockaddr_in6	 v6;
	struct in_addr		 a4;
	struct in6_addr		 a6;
	bool			 is4 = inet_pton(AF_INET, addr, &a4) == 1;

	if (is4 && ntohl(a4.s_addr) >> 24 == 127)
		return true;
	if (!is4 && inet_pton(AF_INET6, addr, &a6) != 1)
		return false;
	for (i = interfaces(); i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL)
			continue;
		if (is4 && i->ifa_addr->sa_family == AF_INET) {
			memcpy(&v4, i->ifa_addr, sizeof(v4));
			if (v4.sin_addr.s_addr == a4.s_addr)
				return true;
		}
		if (!is4 && i->ifa_addr->sa_family == AF_INET6) {
			memcpy(&v6, i->ifa_addr, sizeof(v6));
			if (memcmp(&v6.sin6_addr, &a6, sizeof(a6)) == 0)
				return true;
		}
	}
	return false;
}

/* Does a connection to addr come to a socket bound to host? */
static bool
reaches(const char *host, const char *addr)
{
	char	 text[RESOLVER_ADDR_MAX];

	if (!name_address(host, text))
		return false;
	if (strcmp(text, addr) == 0)
		return true;
	if (strcmp(text, strchr(addr, ':') == NULL ? "0.0.0.0" : "::") != 0)
		return false;
	return is_interface(addr);
}

bool
local_address(const struct config *c, const char *addr, unsigned int port)
{
	const struct config_listen	*l;
	char				 host[300], *inner = host;
	unsigned int			 listened;
	size_t				 i, len;

	for (i = 0; i < c->smtpd.net.nlisten; i++) {
		l = &c->smtpd.net.listen[i];
		listened = 0;
		/* Who comes without a PROXY header gets no further there. */
		if (l->role != ROLE_MX || l->proxy || strlcpy(host,
		    l->address, sizeof(host)) >= sizeof(host) ||
		    !name_take_port(host, &listened) || listened != port)
			continue;
		len = strlen(host);
		inner = host;
		if (*host == '[') {
			host[len - 1] = '\0';
			inner++;
		}
		if (reaches(inner, addr))
			return true;
	}
	return false;
}
