/* Contract in connect.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/base/io.h"
#include "remote/connect.h"

#define NEXT_ADDRESS_MS	1000	/* patience before trying the next too */
#define NEXT_HOST_MS	4000	/* before a host of worse preference */
#define DEAD_MS		60000	/* a dead address is tried last */

bool
connect_memory_has(const struct connect_memory *m, const char *address)
{
	int64_t	 now = io_monotonic_ms();
	size_t	 i;

	for (i = 0; i < CONNECT_DEAD; i++)
		if (m->dead[i].until > now &&
		    strcmp(m->dead[i].address, address) == 0)
			return true;
	return false;
}

void
connect_memory_add(struct connect_memory *m, const char *address)
{
	if (strlen(address) >= sizeof(m->dead[0].address) ||
	    connect_memory_has(m, address))
		return;
	strlcpy(m->dead[m->next].address, address,
	    sizeof(m->dead[0].address));
	m->dead[m->next].until = io_monotonic_ms() + DEAD_MS;
	m->next = (m->next + 1) % CONNECT_DEAD;
}

void
connect_forget(struct connect *c, const struct connect_target *t)
{
	if (t->host != NULL)
		connect_memory_add(c->memory, t->address);
}

/* 0 with *sa, or -1: no address, or of a family that is not to be used. */
static int
to_sockaddr(const struct config_remote *cfg, const char *address,
    uint16_t port, struct sockaddr_storage *sa, socklen_t *len)
{
	struct sockaddr_in	*in = (struct sockaddr_in *)sa;
	struct sockaddr_in6	*in6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		*len = sizeof(*in);
		return cfg->ipv4 ? 0 : -1;
	}
	if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		*len = sizeof(*in6);
		return cfg->ipv6 ? 0 : -1;
	}
	return -1;
}

static void
add_target(struct connect *c, const struct remote_open *o,
    const struct resolver_host *h, const char *address)
{
	struct connect_target	*t = &c->target[c->n];

	if (to_sockaddr(c->cfg, address, o->port, &t->sa, &t->salen) == -1)
		return;
	t->host = h;
	t->address = address;
	t->state = TARGET_NEW;
	t->fd = -1;
	c->n++;
}

/*
 * The first of the families in turn, so that a host whose IPv6 (or IPv4) leads
 * nowhere costs one wait and not four.
 */
static void
add_host(struct connect *c, const struct remote_open *o,
    const struct resolver_host *h, bool dead)
{
	bool	 used[RESOLVER_ADDRS] = { false }, v6 = false;
	size_t	 i, left, first;

	for (left = h->naddr; left > 0; left--) {
		first = h->naddr;
		for (i = 0; i < h->naddr; i++) {
			if (used[i])
				continue;
			if (first == h->naddr)
				first = i;
			if (left == h->naddr ||
			    (strchr(h->addr[i], ':') != NULL) != v6)
				break;
		}
		if (i == h->naddr)
			i = first;
		used[i] = true;
		v6 = strchr(h->addr[i], ':') != NULL;
		if (connect_memory_has(c->memory, h->addr[i]) == dead)
			add_target(c, o, h, h->addr[i]);
	}
}

static void
add_path(struct connect *c, const char *path)
{
	struct connect_target	*t = &c->target[c->n];
	struct sockaddr_un	*sun = (struct sockaddr_un *)&t->sa;

	memset(t, 0, sizeof(*t));
	if (io_unix_address(path, sun) == -1) {
		snprintf(c->why, sizeof(c->why), "%.128s: %s", path,
		    strerror(errno));
		return;
	}
	t->salen = sizeof(*sun);
	t->address = path;
	t->fd = -1;
	c->n++;
}

void
connect_begin(struct connect *c, const struct config_remote *cfg,
    const struct remote_open *o, struct connect_memory *memory,
    bool (*skip)(const struct remote_open *, const struct resolver_host *))
{
	size_t	 i;
	int	 dead;

	c->cfg = cfg;
	c->memory = memory;
	c->n = 0;
	c->why[0] = '\0';
	c->left_ms = (int64_t)cfg->connect_timeout * 1000;
	if (o->unix_path[0] != '\0')
		add_path(c, o->unix_path);
	for (dead = 0; dead <= 1; dead++)
		for (i = 0; i < o->nhost; i++)
			if (skip == NULL || !skip(o, &o->host[i]))
				add_host(c, o, &o->host[i], dead == 1);
}

static void
note_failure(struct connect *c, struct connect_target *t, int error)
{
	if (t->host == NULL)
		snprintf(c->why, sizeof(c->why), "cannot connect to %.128s: %s",
		    t->address, strerror(error));
	else
		snprintf(c->why, sizeof(c->why),
		    "cannot connect to %.128s[%s]: %s", t->host->name,
		    t->address, strerror(error));
	connect_forget(c, t);
	io_close(t->fd);
	t->fd = -1;
	t->state = TARGET_TRIED;
}

/* The configured source address of the family, if there is one. */
static int
bind_source(const struct config_remote *cfg, int fd, int family)
{
	const char		*address = family == AF_INET ?
				    cfg->source_ipv4 : cfg->source_ipv6;
	struct sockaddr_storage	 sa;
	socklen_t		 len;
	int			 one = 1;

	if (family == AF_UNIX || address == NULL)
		return 0;
	if (to_sockaddr(cfg, address, 0, &sa, &len) == -1) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	/* The port is chosen at connect(2): more connections are possible. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
	    sizeof(one));
	return bind(fd, (struct sockaddr *)&sa, len);
}

/* Set out for the target: 1 it is there already, 0 on the way, -1 errno. */
static int
start(const struct config_remote *cfg, struct connect_target *t)
{
	int	 one = 1, n;

	t->fd = socket(t->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (t->fd == -1 || bind_source(cfg, t->fd, t->sa.ss_family) == -1)
		return -1;
	if (t->sa.ss_family != AF_UNIX)
		(void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	n = connect(t->fd, (struct sockaddr *)&t->sa, t->salen);
	if (n == 0)
		return 1;
	/* A local socket's full backlog is EAGAIN: it fails, for now. */
	if (errno != EINPROGRESS && errno != EINTR)
		return -1;
	t->state = TARGET_TRYING;
	return 0;
}

static int
win(struct connect *c, struct connect_target *t,
    const struct connect_target **which)
{
	size_t	 i;
	int	 fd = t->fd;

	t->fd = -1;
	t->state = TARGET_TRIED;
	for (i = 0; i < c->n; i++) {
		if (c->target[i].state != TARGET_TRYING)
			continue;
		io_close(c->target[i].fd);
		c->target[i].fd = -1;
		c->target[i].state = TARGET_NEW;
	}
	*which = t;
	return fd;
}

/* Patience with what is on its way before the target is tried beside it. */
static int64_t
patience(const struct connect *c, const struct connect_target *t)
{
	int64_t	 ms, part = (int64_t)c->cfg->connect_timeout * 1000 / 4;
	bool	 worse;

	worse = t > c->target && t[-1].host != NULL &&
	    t->host->preference != t[-1].host->preference;
	ms = worse ? NEXT_HOST_MS : NEXT_ADDRESS_MS;
	return ms < part ? ms : part;
}

static struct connect_target *
first_new(struct connect *c)
{
	size_t	 i;

	for (i = 0; i < c->n; i++)
		if (c->target[i].state == TARGET_NEW)
			return &c->target[i];
	return NULL;
}

/*
 * Wait for those on their way.  The one that is there; NULL when none is:
 * *failed says whether one less is on its way.
 */
static struct connect_target *
wait_any(struct connect *c, int64_t ms, size_t *trying, bool *failed)
{
	struct pollfd		 pfd[CONNECT_TARGETS];
	struct connect_target	*t, *of[CONNECT_TARGETS];
	socklen_t		 len;
	size_t			 i, n = 0;
	int			 error;

	*failed = false;
	for (i = 0; i < c->n; i++)
		if (c->target[i].state == TARGET_TRYING) {
			of[n] = &c->target[i];
			pfd[n].events = POLLOUT;
			pfd[n].revents = 0;
			pfd[n++].fd = c->target[i].fd;
		}
	*trying = n;
	if (poll(pfd, n, (int)ms) <= 0)
		return NULL;
	for (i = 0; i < n; i++) {
		if (pfd[i].revents == 0)
			continue;
		t = of[i];
		len = sizeof(error);
		if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) ==
		    -1)
			error = errno;
		if (error == 0)
			return t;
		note_failure(c, t, error);
		*failed = true;
		(*trying)--;
	}
	return NULL;
}

/* The time is up for all. */
static int
give_up(struct connect *c)
{
	size_t	 i;

	for (i = 0; i < c->n; i++)
		if (c->target[i].state == TARGET_TRYING)
			note_failure(c, &c->target[i], ETIMEDOUT);
	if (c->n > 0 && c->why[0] == '\0')
		snprintf(c->why, sizeof(c->why), "no time was left to try "
		    "further hosts");
	return -1;
}

static int
race(struct connect *c, const struct connect_target **which)
{
	struct connect_target	*t, *next;
	int64_t			 now, deadline, again;
	size_t			 trying = 0;
	bool			 failed;
	int			 n;

	again = now = io_monotonic_ms();
	deadline = now + c->left_ms;
	while (now < deadline) {
		next = first_new(c);
		if (next == NULL && trying == 0)
			return -1;
		if (next != NULL && (trying == 0 || now >= again)) {
			if ((n = start(c->cfg, next)) == 1)
				return win(c, next, which);
			if (n == -1) {
				note_failure(c, next, errno);
				continue;
			}
			trying++;
			if ((next = first_new(c)) != NULL)
				again = now + patience(c, next);
		}
		t = wait_any(c, next != NULL && again < deadline ?
		    again - now : deadline - now, &trying, &failed);
		if (t != NULL)
			return win(c, t, which);
		now = io_monotonic_ms();
		if (failed)
			again = now;
	}
	return give_up(c);
}

int
connect_next(struct connect *c, const struct connect_target **which)
{
	int64_t	 began = io_monotonic_ms();
	int	 fd;

	fd = race(c, which);
	c->left_ms -= io_monotonic_ms() - began;
	return fd;
}

int
connect_again(struct connect *c, const struct connect_target *same)
{
	struct connect_target	 t = *same;
	struct pollfd		 pfd;
	socklen_t		 len = sizeof(int);
	int			 n, error = ETIMEDOUT;

	if ((n = start(c->cfg, &t)) == 1)
		return t.fd;
	if (n == 0) {
		pfd.fd = t.fd;
		pfd.events = POLLOUT;
		/* It was there a moment ago: no long patience. */
		if (poll(&pfd, 1, (int)c->cfg->connect_timeout * 1000) == 1 &&
		    getsockopt(t.fd, SOL_SOCKET, SO_ERROR, &error, &len) ==
		    0 && error == 0)
			return t.fd;
	} else
		error = errno;
	note_failure(c, &t, error);
	return -1;
}
