/* The blocking client of authd; contract in proto_auth.h. */
#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/net/proto_auth.h"
#include "lib/net/proto_fields.h"

void
auth_client_init(struct auth_client *c, const char *path)
{
	ipc_link_init(&c->link, path);
}

void
auth_client_close(struct auth_client *c)
{
	ipc_link_close(&c->link);
}

static uint64_t
next_id(struct auth_client *c)
{
	return ipc_link_id(&c->link);
}

static int
ask(struct auth_client *c, bool again)
{
	return ipc_link_ask(&c->link, AUTH_TIMEOUT_MS, again);
}

static int
decoded(struct auth_client *c, int result)
{
	return ipc_link_decoded(&c->link, result);
}

int
auth_client_lookup(struct auth_client *c, const char *address,
    struct auth_lookup *l)
{
	proto_auth_put_lookup(&ipc_question, next_id(c), address);
	if (ask(c, true) == -1)
		return -1;
	return decoded(c, proto_auth_get_found(&ipc_answer, l));
}

int
auth_client_expand(struct auth_client *c, const char *address, char *status,
    size_t size, struct auth_result **out, size_t *n)
{
	int	 fd, r = 0;

	*out = NULL;
	*n = 0;
	proto_auth_put_expand(&ipc_question, next_id(c), address);
	if (ask(c, true) == -1)
		return -1;
	if (decoded(c, proto_auth_get_expanded(&ipc_answer, status, size,
	    &fd)) == -1)
		return -1;
	if (fd != -1)
		r = proto_auth_read_results(fd, out, n);
	io_close(fd);
	return r;
}

/* What asked and answered may be secret. */
static void
wipe(void)
{
	explicit_bzero(ipc_question.data, ipc_question.len);
	explicit_bzero(ipc_answer.data, ipc_answer.len);
}

int
auth_client_scram(struct auth_client *c, const struct auth_scram *s,
    struct auth_scram_first *first)
{
	memset(first, 0, sizeof(*first));
	proto_auth_put_scram(&ipc_question, next_id(c), s);
	if (ask(c, true) == -1)
		return -1;
	return decoded(c, proto_auth_get_first(&ipc_answer, first));
}

static int
verdict(struct auth_client *c, bool again, struct auth_answer *answer)
{
	int	 n, saved;

	memset(answer, 0, sizeof(*answer));
	answer->verdict = AUTH_LATER;
	ipc_answer.len = 0;
	n = ask(c, again);
	if (n == 0)
		n = decoded(c, proto_auth_get_verdict(&ipc_answer, answer));
	saved = errno;
	wipe();
	errno = saved;
	return n;
}

int
auth_client_check(struct auth_client *c, const struct auth_check *check,
    struct auth_answer *answer)
{
	proto_auth_put_check(&ipc_question, next_id(c), check);
	return verdict(c, true, answer);
}

int
auth_client_session(struct auth_client *c, const struct auth_session *s,
    struct auth_answer *answer)
{
	/*
	 * On a connection of its own and never twice: an authd that died may
	 * have handed the session over before.
	 */
	auth_client_close(c);
	proto_auth_put_session(&ipc_question, next_id(c), s);
	return verdict(c, false, answer);
}

int
auth_client_submit(struct auth_client *c, const struct auth_submit *s,
    enum auth_may *may)
{
	*may = AUTH_MAY_LATER;
	proto_auth_put_submit(&ipc_question, next_id(c), s);
	if (ask(c, true) == -1)
		return -1;
	return decoded(c, proto_auth_get_may(&ipc_answer, may));
}

/* The answers to usage and reload. */
static int
done(struct auth_client *c, bool *ok, char *error, size_t size)
{
	if (ask(c, true) == -1)
		return -1;
	return decoded(c, proto_get_done(&ipc_answer, ok, error, size));
}

int
auth_client_usage(struct auth_client *c, const char *user, uint64_t octets,
    uint64_t count)
{
	char	 error[256];
	bool	 ok;

	proto_auth_put_usage(&ipc_question, next_id(c), user, octets, count);
	if (done(c, &ok, error, sizeof(error)) == -1)
		return -1;
	if (ok)
		return 0;
	errno = ENOENT;
	return -1;
}

int
auth_client_app_uses(struct auth_client *c, int *fd)
{
	*fd = -1;
	proto_auth_put_app_uses(&ipc_question, next_id(c));
	if (ask(c, true) == -1 ||
	    decoded(c, proto_auth_get_used(&ipc_answer, fd)) == -1)
		return -1;
	if (*fd != -1)
		return 0;
	errno = EAGAIN;
	return -1;
}

int
auth_client_reload(struct auth_client *c, bool *ok, char *error, size_t size)
{
	proto_auth_put_reload(&ipc_question, next_id(c));
	return done(c, ok, error, size);
}
