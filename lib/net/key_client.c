/* The blocking client of keyd; contract in proto_key.h. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/net/proto_fields.h"
#include "lib/net/proto_key.h"

#define AGAIN_MS	20	/* between two tries to reach keyd */
#define FRESH_MS	1000	/* an answer says so long that keyd is there */

static int64_t	 answered;	/* when keyd last signed; 0: not yet */

void
key_client_init(struct key_client *c, const char *path)
{
	ipc_link_init(&c->link, path);
	c->ahead = 0;
}

void
key_client_close(struct key_client *c)
{
	ipc_link_close(&c->link);
	c->ahead = 0;
}

/* keyd went away, or is not there yet: its supervisor starts it again. */
static bool
may_come_back(int error)
{
	return error == ENOENT || error == ECONNREFUSED || error == EPIPE ||
	    error == ECONNRESET;
}

bool
key_client_reachable(const char *path)
{
	int64_t	 now = io_monotonic_ms(), until = now + KEY_REACH_MS;
	int	 fd;

	if (answered != 0 && now - answered < FRESH_MS)
		return true;
	while ((fd = ipc_connect(path)) == -1 && may_come_back(errno) &&
	    io_monotonic_ms() < until)
		poll(NULL, 0, AGAIN_MS);
	io_close(fd);
	return fd != -1;
}

/* While keyd is being restarted, a new one is waited for so long. */
static int
ask(struct key_client *c, int patience_ms)
{
	int64_t	 until = io_monotonic_ms() + patience_ms;

	c->ahead = 0;		/* its answer is skipped */
	while (ipc_link_ask(&c->link, KEY_TIMEOUT_MS, true) == -1) {
		if (!may_come_back(errno) || io_monotonic_ms() >= until)
			return -1;
		poll(NULL, 0, AGAIN_MS);
	}
	return 0;
}

static int
decoded(struct key_client *c, int result)
{
	if (result == -1)
		key_client_close(c);
	return result;
}

static int
signature(struct key_client *c, struct key_signature *out)
{
	answered = io_monotonic_ms();
	return decoded(c, proto_key_get_signed(&ipc_answer, out));
}

int
key_client_sign(struct key_client *c, const struct key_sign *s,
    struct key_signature *out)
{
	memset(out, 0, sizeof(*out));
	proto_key_put_sign(&ipc_question, ipc_link_id(&c->link), s);
	if (ask(c, KEY_PATIENCE_MS) == -1)
		return -1;
	return signature(c, out);
}

/* The answer to a question that was sent. */
static int
await(struct key_client *c, uint64_t id)
{
	int	 n;

	do {
		ipc_drop(&ipc_answer);
		n = ipc_recv(c->link.sock, &ipc_answer, KEY_TIMEOUT_MS);
		if (n == 0)
			errno = EPIPE;
		if (n != 1)
			return -1;
	} while (ipc_answer.id != id);
	return 0;
}

int
key_client_sign_ahead(struct key_client *c, const struct key_sign *s,
    struct key_signature *out)
{
	uint64_t	 id;

	memset(out, 0, sizeof(*out));
	if (c->link.sock == -1)
		c->link.sock = ipc_connect(c->link.path);
	id = ipc_link_id(&c->link);
	proto_key_put_sign(&ipc_question, id, s);
	if (c->link.sock != -1 &&
	    ipc_send(c->link.sock, &ipc_question, KEY_TIMEOUT_MS) == 0) {
		c->ahead = ipc_link_id(&c->link);
		proto_key_put_ticket(&ipc_question, c->ahead, NULL);
		if (ipc_send(c->link.sock, &ipc_question,
		    KEY_TIMEOUT_MS) == 0 && await(c, id) == 0)
			return signature(c, out);
	}
	/* An old connection, or keyd is being restarted. */
	key_client_close(c);
	return may_come_back(errno) ? key_client_sign(c, s, out) : -1;
}

int
key_client_ticket(struct key_client *c,
    const unsigned char name[KEY_TICKET_NAME], struct key_ticket *out)
{
	uint64_t	 ahead = c->ahead;

	memset(out, 0, sizeof(*out));
	if (name == NULL && ahead != 0) {
		c->ahead = 0;
		if (await(c, ahead) == 0)
			return decoded(c, proto_key_get_ticket_key(
			    &ipc_answer, out));
		key_client_close(c);
	}
	proto_key_put_ticket(&ipc_question, ipc_link_id(&c->link), name);
	if (ask(c, 0) == -1)
		return -1;
	return decoded(c, proto_key_get_ticket_key(&ipc_answer, out));
}

int
key_client_reload(struct key_client *c, bool *ok, char *error, size_t size)
{
	*ok = false;
	error[0] = '\0';
	proto_key_put_reload(&ipc_question, ipc_link_id(&c->link));
	if (ask(c, 0) == -1)
		return -1;
	return decoded(c, proto_get_done(&ipc_answer, ok, error, size));
}
