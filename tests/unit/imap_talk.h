/* What a session of IMAP's says, on the mailbox of fake_store.h. */
#ifndef TESTS_IMAP_TALK_H
#define TESTS_IMAP_TALK_H

#include <sys/socket.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imap-session/session.h"
#include "lib/base/buf.h"
#include "tests/unit/fake_store.h"

static struct config		 conf;
static struct auth_handed	 who;

/* The last words to a client that just ends are in no transcript. */
static inline void
without_farewell(struct buf *out)
{
	static const char	 bye[] = "* BYE The connection is over\r\n";
	size_t			 len = sizeof(bye) - 1;

	if (out->len >= len &&
	    memcmp(out->ptr + out->len - len, bye, len) == 0) {
		out->len -= len;
		out->ptr[out->len] = '\0';
	}
}

/* All that a session says to these octets, its greeting first. */
static inline void
converse(const char *input, size_t len, struct buf *out)
{
	char	 chunk[4096];
	int	 fds[2];
	ssize_t	 n;

	conf.hostname = (char *)(uintptr_t)"host.example";
	conf.imapd.net.idle_timeout = 60;
	conf.imapd.max_command = 65536;
	conf.message_size = 1000;
	memset(&who, 0, sizeof(who));
	snprintf(who.user, sizeof(who.user), "alice");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(write(fds[0], input, len), (ssize_t)len);
	assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
	session_serve(&conf, &who, fds[1], fds[1], NULL);
	close(fds[1]);
	buf_init(out, 1 << 20);
	while ((n = read(fds[0], chunk, sizeof(chunk))) > 0)
		assert_int_equal(buf_add(out, chunk, (size_t)n), 0);
	close(fds[0]);
	without_farewell(out);
}

/* What follows the line that mark is in. */
static inline const char *
after(const struct buf *out, const char *mark)
{
	const char	*p = strstr(buf_cstr(out), mark);

	if (p == NULL)
		fail_msg("%s", buf_cstr(out));
	p = strstr(p + strlen(mark), "\r\n");
	assert_non_null(p);
	return p + 2;
}

#endif
