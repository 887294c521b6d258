/*
 * A packet on its way: sent over a socket and received, so that descriptors are
 * really passed; or changed, as a hostile peer would write it.
 */
#ifndef TESTS_UNIT_PACKET_H
#define TESTS_UNIT_PACKET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/ipc.h"

/* 1 when it arrived, else what ipc_send() or ipc_recv() said. */
__attribute__((unused)) static int
packet_cross(struct ipc_msg *out, struct ipc_msg *in)
{
	int	 fds[2], n;

	assert_int_equal(ipc_pair(fds), 0);
	n = ipc_send(fds[0], out, 1000);
	if (n == 0)
		n = ipc_recv(fds[1], in, 1000);
	close(fds[0]);
	close(fds[1]);
	return n;
}

/* The first place where from stands in the packet becomes to. */
__attribute__((unused)) static void
packet_change(struct ipc_msg *out, const char *from, const char *to)
{
	static char	 work[IPC_MAX + 64];
	char		*at = strstr(out->data, from);
	int		 n;

	if (at == NULL)
		fail_msg("no \"%s\" in %s", from, out->data);
	n = snprintf(work, sizeof(work), "%.*s%s%s", (int)(at - out->data),
	    out->data, to, at + strlen(from));
	assert_true(n > 0 && n <= IPC_MAX);
	memcpy(out->data, work, (size_t)n + 1);
	out->len = (size_t)n;
}

#endif
