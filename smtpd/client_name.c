/* Contract in client_name.h. */
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/mail/address.h"
#include "smtpd/client_name.h"

static socklen_t
length(const struct sockaddr *sa)
{
	return sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) :
	    sizeof(struct sockaddr_in6);
}

static bool
same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	struct sockaddr_in	 a4, b4;
	struct sockaddr_in6	 a6, b6;

	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET) {
		memcpy(&a4, a, sizeof(a4));
		memcpy(&b4, b, sizeof(b4));
		return a4.sin_addr.s_addr == b4.sin_addr.s_addr;
	}
	memcpy(&a6, a, sizeof(a6));
	memcpy(&b6, b, sizeof(b6));
	return IN6_ARE_ADDR_EQUAL(&a6.sin6_addr, &b6.sin6_addr);
}

void
client_name(const struct sockaddr *sa, char *out, size_t size)
{
	struct addrinfo	 hints, *list, *ai;
	char		 name[NI_MAXHOST];
	bool		 confirmed = false;

	out[0] = '\0';
	if ((sa->sa_family != AF_INET && sa->sa_family != AF_INET6) ||
	    getnameinfo(sa, length(sa), name, sizeof(name), NULL, 0,
	    NI_NAMEREQD) != 0)
		return;
	/* Whoever owns the address writes what it is called: any octets. */
	if (strlen(name) >= size || !address_is_domain(slice_str(name), false))
		return;
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = sa->sa_family;
	hints.ai_socktype = SOCK_STREAM;
	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		return;
	for (ai = list; ai != NULL && !confirmed; ai = ai->ai_next)
		confirmed = same_address(sa, ai->ai_addr);
	freeaddrinfo(list);
	if (confirmed)
		memcpy(out, name, strlen(name) + 1);
}
