/*
 * Takes letters by SMTP as fast as it can and counts them: the other end of
 * the benchmarks and of the tests that must lose nothing.
 *
 *	sink [-t FILE] COUNTS ADDRESS...
 *
 * Listens on port 25 of each address.  COUNTS is a file of three native
 * uint64_t that it keeps mapped: letters, recipients, connections.  With -t
 * the value of each letter's X-Token is a line of FILE.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER	(128 * 1024)
#define REPLIES	4096
#define MARK	"\r\nX-Token: "
#define KEEP	160		/* of a letter's part, for a mark cut in two */

struct peer {
	int	 fd;
	bool	 listener, data, marked;
	unsigned int rcpts;
	size_t	 have, nout;
	char	*in;
	char	 out[REPLIES];
};

static uint64_t	*counts;
static FILE	*tokens;
static int	 ep;

static void
watch(struct peer *p)
{
	struct epoll_event	 ev = { .events = EPOLLIN, .data.ptr = p };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, p->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static struct peer *
peer_new(int fd)
{
	struct peer	*p;

	p = calloc(1, sizeof(*p));
	if (p == NULL)
		err(1, NULL);
	p->fd = fd;
	return p;
}

static void
peer_free(struct peer *p)
{
	close(p->fd);
	free(p->in);
	free(p);
}

static void
say(struct peer *p, const char *text)
{
	size_t	 n = strlen(text);

	if (p->nout + n > sizeof(p->out))
		errx(1, "too many replies at once");
	memcpy(p->out + p->nout, text, n);
	p->nout += n;
}

static int
flush(struct peer *p)
{
	ssize_t	 n;

	/* Replies are short: a socket that cannot take them is dead. */
	n = send(p->fd, p->out, p->nout, MSG_NOSIGNAL);
	if (n != (ssize_t)p->nout)
		return -1;
	p->nout = 0;
	return 0;
}

static void
knock(struct peer *p)
{
	struct peer	*c;
	int		 fd, on = 1;

	while ((fd = accept4(p->fd, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c = peer_new(fd);
		c->in = malloc(BUFFER);
		if (c->in == NULL)
			err(1, NULL);
		counts[2]++;
		say(c, "220 sink.test ESMTP\r\n");
		if (flush(c) == -1)
			peer_free(c);
		else
			watch(c);
	}
}

/* One command line of n octets; -1 ends the connection. */
static int
command(struct peer *p, const char *line, size_t n)
{
#define IS(s)	(n >= sizeof(s) - 1 && strncasecmp(line, s, sizeof(s) - 1) == 0)
	if (IS("EHLO"))
		say(p, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
		    "250-ENHANCEDSTATUSCODES\r\n250 SIZE 100000000\r\n");
	else if (IS("MAIL")) {
		p->rcpts = 0;
		say(p, "250 2.1.0 Ok\r\n");
	} else if (IS("RCPT")) {
		p->rcpts++;
		say(p, "250 2.1.5 Ok\r\n");
	} else if (IS("DATA")) {
		p->data = true;
		p->marked = tokens == NULL;
		say(p, "354 Go on\r\n");
	} else if (IS("QUIT")) {
		say(p, "221 2.0.0 Bye\r\n");
		flush(p);
		return -1;
	} else
		say(p, "250 2.0.0 Ok\r\n");
	return 0;
#undef IS
}

static void
find_token(struct peer *p, size_t n)
{
	const char	*s, *e;

	s = memmem(p->in, n, MARK, sizeof(MARK) - 1);
	if (s == NULL)
		return;
	s += sizeof(MARK) - 1;
	e = memchr(s, '\r', n - (size_t)(s - p->in));
	if (e == NULL)
		return;
	fprintf(tokens, "%.*s\n", (int)(e - s), s);
	p->marked = true;
}

/* A part of a letter; the octets that are done with. */
static size_t
letter(struct peer *p)
{
	const char	*end;
	size_t		 n;

	end = memmem(p->in, p->have, "\r\n.\r\n", 5);
	n = end == NULL ? p->have : (size_t)(end - p->in) + 2;
	if (!p->marked)
		find_token(p, n);
	if (end == NULL)
		return n > KEEP ? n - KEEP : 0;
	counts[0]++;
	counts[1] += p->rcpts;
	p->data = false;
	say(p, "250 2.0.0 Ok\r\n");
	return n + 3;
}

static int
handle(struct peer *p)
{
	char	*lf;
	size_t	 n, used = 0;
	ssize_t	 got;
	bool	 was;

	got = recv(p->fd, p->in + p->have, BUFFER - p->have, 0);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return -1;
	p->have += (size_t)got;
	for (;;) {
		was = p->data;
		if (p->data)
			used = letter(p);
		else {
			lf = memchr(p->in, '\n', p->have);
			if (lf == NULL)
				break;
			n = (size_t)(lf - p->in) + 1;
			if (command(p, p->in, n) == -1)
				return -1;
			/* DATA's own CRLF is the one before a lone dot. */
			used = p->data ? n - 2 : n;
		}
		p->have -= used;
		memmove(p->in, p->in + used, p->have);
		if (was && p->data)
			break;
	}
	if (p->have == BUFFER)
		return -1;
	return p->nout == 0 ? 0 : flush(p);
}

static void
open_listener(const char *address)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	struct peer		*p;
	int			 fd, on = 1;

	sin.sin_port = htons(25);
	if (inet_pton(AF_INET, address, &sin.sin_addr) != 1)
		errx(64, "%s: not an address", address);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 1000) == -1)
		err(1, "%s", address);
	p = peer_new(fd);
	p->listener = true;
	watch(p);
}

int
main(int argc, char **argv)
{
	struct epoll_event	 ev[64];
	struct peer		*p;
	int			 fd, i, n, opt;

	while ((opt = getopt(argc, argv, "t:")) != -1) {
		if (opt != 't')
			return 64;
		tokens = fopen(optarg, "ae");
		if (tokens == NULL)
			err(1, "%s", optarg);
	}
	if (argc - optind < 2)
		errx(64, "usage: sink [-t FILE] COUNTS ADDRESS...");
	fd = open(argv[optind], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd == -1 || ftruncate(fd, 3 * sizeof(*counts)) == -1)
		err(1, "%s", argv[optind]);
	counts = mmap(NULL, 3 * sizeof(*counts), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		err(1, "mmap");
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep == -1)
		err(1, "epoll_create1");
	for (i = optind + 1; i < argc; i++)
		open_listener(argv[i]);
	for (;;) {
		n = epoll_wait(ep, ev, 64, -1);
		for (i = 0; i < n; i++) {
			p = ev[i].data.ptr;
			if (p->listener)
				knock(p);
			else if (handle(p) == -1)
				peer_free(p);
		}
		if (tokens != NULL)
			fflush(tokens);
	}
}
