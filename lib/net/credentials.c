/* Contract in credentials.h. */
#include <netinet/in.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/credentials.h"
#include "lib/net/sasl_name.h"

int
credentials_set(struct auth_check *c, struct slice user, struct slice password)
{
	if (password.len == 0 || password.len > AUTH_PASSWORD_MAX ||
	    memchr(password.ptr, '\0', password.len) != NULL ||
	    sasl_name_prepare(user, c->user) == -1)
		return -1;
	memcpy(c->secret, password.ptr, password.len);
	c->secret[password.len] = '\0';
	return 0;
}

bool
credentials_safe(const struct listener_peer *peer)
{
	const struct sockaddr_in	*in;
	const struct sockaddr_in6	*in6;
	const uint8_t			*a;

	/* By its address: a local socket may be a super-server's, a proxy's. */
	switch (peer->sa.ss_family) {
	case AF_UNSPEC:			/* a pipe, a local socket */
		return true;
	case AF_INET:
		in = (const struct sockaddr_in *)&peer->sa;
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		in6 = (const struct sockaddr_in6 *)&peer->sa;
		a = in6->sin6_addr.s6_addr;
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
		    (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && a[12] == 127);
	default:
		return false;
	}
}
