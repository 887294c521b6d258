/* Contract in proto_token.h. */
#include <string.h>

#include "lib/base/text.h"
#include "lib/net/proto_fields.h"
#include "lib/net/proto_token.h"

static const char	*const statuses[] = {
	[TOKEN_ACTIVE] = "active",
	[TOKEN_INACTIVE] = "inactive",
	[TOKEN_LATER] = "later",
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

void
proto_token_put_ask(struct ipc_msg *m, uint64_t id, const char *token)
{
	ipc_start(m, "token", id);
	ipc_put_text(m, "token", token);
}

int
proto_token_get_ask(struct ipc_msg *m, char token[TOKEN_MAX + 1])
{
	ipc_expect(m, "token");
	ipc_get_text(m, "token", token, TOKEN_MAX + 1);
	if (token[0] == '\0')
		m->bad = true;
	return ipc_end_secret(m, token, TOKEN_MAX + 1);
}

void
proto_token_put_answer(struct ipc_msg *m, uint64_t id,
    const struct token_answer *a)
{
	ipc_start(m, "token", id);
	ipc_put(m, "status", statuses[a->status]);
	ipc_put_text(m, "user", a->user);
	ipc_put_u64(m, "seconds", a->seconds);
}

int
proto_token_get_answer(struct ipc_msg *m, struct token_answer *a)
{
	size_t	 i;

	ipc_expect(m, "token");
	i = ipc_get_word(m, "status", statuses, COUNT(statuses));
	proto_get_line(m, "user", a->user, sizeof(a->user));
	proto_get_number(m, "seconds", &a->seconds);
	/* A name exactly when there is somebody: authd looks only once. */
	if (!text_is_utf8(slice_str(a->user)) ||
	    (i == TOKEN_ACTIVE) != (a->user[0] != '\0'))
		m->bad = true;
	if (ipc_end(m) == 0) {
		a->status = (enum token_status)i;
		return 0;
	}
	memset(a, 0, sizeof(*a));
	a->status = TOKEN_LATER;
	return -1;
}
