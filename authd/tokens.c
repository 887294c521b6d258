/* Tokens, which tokend asks about.  Contract in check_parts.h. */
#include <errno.h>
#include <string.h>

#include "authd/asks.h"
#include "authd/check_parts.h"
#include "lib/net/proto_token.h"

static void
token_judge(struct check *k, const struct token_answer *answer)
{
	const struct auth_check	*c = &k->s.check;
	const struct user	*u;

	switch (answer->status) {
	case TOKEN_LATER:
		check_later(k, "tokend");
		return;
	case TOKEN_INACTIVE:
		check_wrong(k, "token");
		return;
	case TOKEN_ACTIVE:
		break;
	}
	u = check_user(k, answer->user);
	if (u == NULL)
		check_unknown(k);
	else if (c->user[0] != '\0' && check_user(k, c->user) != u)
		check_wrong(k, "other-user");
	else
		check_right(k, u);
}

static int
token_answered(struct ipc_msg *m, void *arg)
{
	struct token_answer	 a = { .status = TOKEN_LATER };
	int			 r;

	r = m == NULL ? 0 : proto_token_get_answer(m, &a);
	token_judge(arg, &a);
	return r;
}

void
token_check(struct check *k)
{
	static struct ipc_msg	 m;
	struct auth_check	*c = &k->s.check;
	struct asks		*tokend = k->a->tokend;
	int			 r;

	k->how = "token";
	if (c->secret[0] == '\0') {
		check_wrong(k, "token");
		return;
	}
	proto_token_put_ask(&m, asks_id(tokend), c->secret);
	r = asks_send(tokend, &m, token_answered, k);
	explicit_bzero(c->secret, sizeof(c->secret));
	if (r == -1)
		check_later(k, errno == EAGAIN ? "busy" : "tokend");
}
