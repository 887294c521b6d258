/*
 * Sends letters by SMTP: over SESSIONS connections together LETTERS of SIZE
 * octets, the recipients' domains taken in turn from d1.SUFFIX to
 * dDOMAINS.SUFFIX.  Each letter has its own X-Token.  Exit code 0: every one
 * was acknowledged.
 *
 *	source ADDRESS PORT SESSIONS LETTERS SIZE DOMAINS SUFFIX
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct plan {
	struct sockaddr_in	 to;
	int			 sessions, letters, size, domains;
	const char		*suffix;
	char			*body;
};

/* n final lines of replies, each of them beginning with one of ok. */
static void
expect(FILE *f, int n, const char *ok)
{
	char	 line[1024];

	while (n > 0) {
		if (fgets(line, sizeof(line), f) == NULL)
			errx(1, "the connection was cut");
		if (line[3] == '-')
			continue;
		if (strchr(ok, line[0]) == NULL)
			errx(1, "%s", line);
		n--;
	}
}

static void
send_all(int fd, const char *p, size_t n)
{
	ssize_t	 w;

	for (; n > 0; p += w, n -= (size_t)w)
		if ((w = send(fd, p, n, MSG_NOSIGNAL)) == -1)
			err(1, "send");
}

static void
letter(const struct plan *pl, int fd, FILE *in, int number)
{
	char	 text[1024];
	int	 n;

	n = snprintf(text, sizeof(text), "MAIL FROM:<alice@example.test>\r\n"
	    "RCPT TO:<u%d@d%d.%s>\r\nDATA\r\n", number,
	    number % pl->domains + 1, pl->suffix);
	send_all(fd, text, (size_t)n);
	expect(in, 3, "23");
	n = snprintf(text, sizeof(text), "From: alice@example.test\r\n"
	    "Subject: letter %d\r\nX-Token: %d\r\n"
	    "Message-ID: <%d@example.test>\r\n"
	    "Date: Sat, 21 Nov 2026 20:39:32 +0000\r\n\r\n", number, number,
	    number);
	send_all(fd, text, (size_t)n);
	send_all(fd, pl->body, strlen(pl->body));
	expect(in, 1, "2");
}

static void
session(const struct plan *pl, int k)
{
	FILE	*in;
	int	 fd, i, on = 1;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd == -1 || connect(fd, (const struct sockaddr *)&pl->to,
	    sizeof(pl->to)) == -1)
		err(1, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	in = fdopen(fd, "r");
	if (in == NULL)
		err(1, "fdopen");
	expect(in, 1, "2");
	send_all(fd, "EHLO source.test\r\n", 18);
	expect(in, 1, "2");
	for (i = k; i < pl->letters; i += pl->sessions)
		letter(pl, fd, in, i);
	send_all(fd, "QUIT\r\n", 6);
	expect(in, 1, "2");
}

int
main(int argc, char **argv)
{
	struct plan	 pl = { .to.sin_family = AF_INET };
	int		 i, status, bad = 0;

	if (argc != 8)
		errx(64, "usage: source ADDRESS PORT SESSIONS LETTERS SIZE "
		    "DOMAINS SUFFIX");
	if (inet_pton(AF_INET, argv[1], &pl.to.sin_addr) != 1)
		errx(64, "%s: not an address", argv[1]);
	pl.to.sin_port = htons((uint16_t)atoi(argv[2]));
	pl.sessions = atoi(argv[3]);
	pl.letters = atoi(argv[4]);
	pl.size = atoi(argv[5]);
	pl.domains = atoi(argv[6]);
	pl.suffix = argv[7];
	if (pl.sessions < 1 || pl.domains < 1 || pl.size < 0)
		errx(64, "not a plan");
	pl.body = malloc((size_t)pl.size + 8);
	if (pl.body == NULL)
		err(1, NULL);
	for (i = 0; i < pl.size; i++)
		pl.body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : 'x';
	strcpy(pl.body + pl.size / 72 * 72, ".\r\n");
	for (i = 0; i < pl.sessions; i++)
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			session(&pl, i);
			exit(0);
		}
	while (wait(&status) != -1)
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			bad = 1;
	return bad;
}
