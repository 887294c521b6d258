/*
 * Packets to and from authd and spawner: the first octet chooses the verb, the
 * second how many descriptors come along, the rest are the fields.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/proto_auth.h"
#include "lib/net/proto_fields.h"
#include "lib/net/proto_spawn.h"
#include "tests/fuzz/fields.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static union {
	struct auth_lookup	 lookup;
	struct auth_check	 check;
	struct auth_session	 session;
	struct auth_handed	 handed;
	struct auth_answer	 verdict;
	struct auth_scram	 scram;
	struct auth_scram_first	 first;
	struct auth_submit	 submit;
	enum auth_may		 may;
	struct spawn_server	 server;
	struct spawn_home	 home;
	struct spawn_answer	 answer;
} u;

static void
questions(const char *verb)
{
	char		 text[AUTH_USER_MAX + 1];
	uint64_t	 a, b;

	if (strcmp(verb, "lookup") == 0)
		proto_auth_get_lookup(&m, text, sizeof(text));
	else if (strcmp(verb, "expand") == 0)
		proto_auth_get_expand(&m, text, sizeof(text));
	else if (strcmp(verb, "check") == 0)
		proto_auth_get_check(&m, &u.check);
	else if (strcmp(verb, "scram") == 0)
		proto_auth_get_scram(&m, &u.scram);
	else if (strcmp(verb, "submit") == 0)
		proto_auth_get_submit(&m, &u.submit);
	else if (strcmp(verb, "deliver") == 0)
		proto_auth_get_deliver(&m, text, sizeof(text));
	else if (strcmp(verb, "usage") == 0)
		proto_auth_get_usage(&m, text, sizeof(text), &a, &b);
	else if (strcmp(verb, "session") == 0 &&
	    proto_auth_get_session(&m, &u.session) == 0)
		close(u.session.fd);
	else if (strcmp(verb, "handed") == 0 &&
	    proto_auth_get_handed(&m, &u.handed) == 0)
		close(u.handed.fd);
	else if (strcmp(verb, "home") == 0)
		proto_spawn_get_home(&m, &u.home);
}

static void
answers(const char *verb)
{
	char			 text[AUTH_USER_MAX + 1];
	bool			 ok;
	int			 fd = -1;

	if (strcmp(verb, "found") == 0)
		proto_auth_get_found(&m, &u.lookup);
	else if (strcmp(verb, "expanded") == 0)
		proto_auth_get_expanded(&m, text, sizeof(text), &fd);
	else if (strcmp(verb, "verdict") == 0)
		proto_auth_get_verdict(&m, &u.verdict);
	else if (strcmp(verb, "first") == 0)
		proto_auth_get_first(&m, &u.first);
	else if (strcmp(verb, "may") == 0)
		proto_auth_get_may(&m, &u.may);
	else if (strcmp(verb, "worker") == 0)
		proto_auth_get_worker(&m, &fd);
	else if (strcmp(verb, "error") == 0)
		proto_get_done(&m, &ok, text, sizeof(text));
	else if (strcmp(verb, "server") == 0 &&
	    proto_spawn_get_answer(&m, verb, &u.answer) == 0)
		fd = u.answer.fd;
	if (fd != -1)
		close(fd);
}

static void
results(const uint8_t *data, size_t size)
{
	struct auth_result	*r;
	size_t			 n;
	FILE			*f;

	if ((f = tmpfile()) == NULL)
		return;
	fwrite(data, 1, size, f);
	fflush(f);
	if (proto_auth_read_results(fileno(f), &r, &n) == 0)
		proto_auth_results_free(r, n);
	fclose(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char	*const verbs[] = { "lookup", "expand", "check",
	    "session", "deliver", "usage", "handed", "home", "found",
	    "expanded", "verdict", "worker", "error", "server", "results",
	    "scram", "first", "submit", "may" };
	const char		*verb;
	int			 fds;

	if (size < 2)
		return 0;
	verb = verbs[data[0] % (sizeof(verbs) / sizeof(verbs[0]))];
	if (strcmp(verb, "results") == 0) {
		results(data + 2, size - 2);
		return 0;
	}
	if (!fields_begin(verb, data + 2, size - 2))
		return 0;
	for (fds = data[1] % 3; fds > 0; fds--) {
		m.fds[m.nfds] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		assert(m.fds[m.nfds] != -1);
		m.nfds++;
	}
	questions(verb);
	answers(verb);
	ipc_drop(&m);
	return 0;
}
