/* Contract in proto_pam.h. */
#include <string.h>

#include "lib/net/proto_pam.h"

static const char	*const verdicts[] = {
	[PAM_VERDICT_OK] = "ok",
	[PAM_VERDICT_BAD] = "bad",
	[PAM_VERDICT_LATER] = "later",
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

void
proto_pam_put_ask(struct ipc_msg *m, uint64_t id,
    const struct pam_question *q)
{
	ipc_start(m, "password", id);
	ipc_put_text(m, "user", q->user);
	ipc_put_text(m, "password", q->password);
	ipc_put(m, "ip", q->ip);
}

int
proto_pam_get_ask(struct ipc_msg *m, struct pam_question *q)
{
	ipc_expect(m, "password");
	ipc_get_text(m, "user", q->user, sizeof(q->user));
	ipc_get_text(m, "password", q->password, sizeof(q->password));
	ipc_get(m, "ip", q->ip, sizeof(q->ip));
	if (q->user[0] == '\0' || q->password[0] == '\0')
		m->bad = true;
	return ipc_end_secret(m, q, sizeof(*q));
}

void
proto_pam_put_answer(struct ipc_msg *m, uint64_t id, enum pam_verdict v)
{
	ipc_start(m, "password", id);
	ipc_put(m, "verdict", verdicts[v]);
}

int
proto_pam_get_answer(struct ipc_msg *m, enum pam_verdict *v)
{
	size_t	 i;

	*v = PAM_VERDICT_LATER;		/* never OK by accident */
	ipc_expect(m, "password");
	i = ipc_get_word(m, "verdict", verdicts, COUNT(verdicts));
	if (ipc_end(m) == -1)
		return -1;
	*v = (enum pam_verdict)i;
	return 0;
}
