/* Contract in pump.h. */
#include <sys/socket.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver/pump.h"
#include "deliver/report.h"
#include "lib/base/io.h"
#include "lib/net/smtp_submit.h"

#define SILENCE_MS	(30 * 60 * 1000)	/* smtpd gives up long before */

static char	 block[65536];

/* What is there now, from one side to the other: 1; 0 at the end; -1. */
static int
carry(int from, int to)
{
	ssize_t	 n;

	n = read(from, block, sizeof(block));
	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 1 : -1;
	if (n == 0)
		return 0;
	return io_write_all(to, block, (size_t)n) == -1 ? -1 : 1;
}

static int
pump(int sock)
{
	struct pollfd	 pfd[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = sock, .events = POLLIN },
	};
	int		 n;

	for (;;) {
		n = poll(pfd, 2, SILENCE_MS);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return EX_TEMPFAIL;
		/* Answers first: the last one must not be lost. */
		if (pfd[1].revents != 0) {
			n = carry(sock, STDOUT_FILENO);
			if (n <= 0)
				return n == 0 ? EX_OK : EX_IOERR;
			continue;
		}
		n = carry(STDIN_FILENO, sock);
		if (n <= 0) {
			/* poll(2) passes over -1. */
			pfd[0].fd = -1;
			pfd[0].revents = 0;
			(void)shutdown(sock, SHUT_WR);
		}
	}
}

int
pump_run(const struct config *cfg)
{
	static const char	 sorry[] = "421 4.3.2 the mail system is "
				    "not running\r\n";
	char			 path[512];
	int			 sock, code;

	if (smtp_submit_path(cfg->run_dir, path, sizeof(path)) == -1)
		return report(EX_CONFIG, "run-dir is too long");
	if ((sock = smtp_submit_connect(path)) == -1) {
		code = report(EX_TEMPFAIL, "%s: %s", path, strerror(errno));
		(void)io_write_all(STDOUT_FILENO, sorry, sizeof(sorry) - 1);
		return code;
	}
	code = pump(sock);
	io_close(sock);
	return code;
}
