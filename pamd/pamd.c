/* Contract in pamd.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/helper_service.h"
#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "lib/store/system_user.h"
#include "pamd/pamd.h"
#include "pamd/verify.h"

struct pamd {
	const struct config	*conf;
	struct helper_service	 service;
};

/* A question that is not answered yet. */
struct question {
	struct ipc_client	*client;
	uint64_t		 id;
};

/*
 * In a helper.  The rule about accounts is authd's too; who takes authd over
 * shall not be able to try root's password here.
 */
static int
work(struct ipc_msg *m, void *arg)
{
	static struct pam_question	 q;
	const struct pamd		*p = arg;
	enum pam_verdict		 v = PAM_VERDICT_BAD;
	uint32_t			 uid, gid;
	uint64_t			 id = m->id;

	if (proto_pam_get_ask(m, &q) == -1)
		return -1;
	switch (system_user_find(p->conf, q.user, &uid, &gid)) {
	case SYSTEM_USER_FOUND:
		v = verify_password(&q);
		break;
	case SYSTEM_USER_NONE:
		break;
	case SYSTEM_USER_TEMP:
		log_warn("event=accounts-unreadable user=%s",
		    log_esc(q.user));
		v = PAM_VERDICT_LATER;
		break;
	}
	explicit_bzero(&q, sizeof(q));
	proto_pam_put_answer(m, id, v);
	return 0;
}

/* --- in the loop --- */

static void
answer(struct ipc_client *c, uint64_t id, enum pam_verdict v)
{
	static struct ipc_msg	 m;

	proto_pam_put_answer(&m, id, v);
	ipc_client_answer(c, &m);
}

static void
asked(struct ipc_msg *m, void *arg)
{
	struct question		*q = arg;
	enum pam_verdict	 v = PAM_VERDICT_LATER;

	if (m != NULL && proto_pam_get_answer(m, &v) == -1)
		log_warnx("event=helper-malformed");
	answer(q->client, q->id, v);
	ipc_client_unref(q->client);
	free(q);
}

static int
ask(struct pamd *p, struct ipc_client *c, uint64_t id,
    const struct pam_question *what)
{
	static struct ipc_msg	 m;
	static uint64_t		 last;
	struct question		*q = xcalloc(1, sizeof(*q));
	int			 r;

	q->client = c;
	q->id = id;
	proto_pam_put_ask(&m, ++last, what);
	ipc_client_ref(c);
	r = helpers_ask(p->service.helpers, &m, false, asked, q);
	explicit_bzero(m.data, m.len);
	if (r == -1) {
		log_warn("event=password-not-asked");
		ipc_client_unref(c);
		free(q);
	}
	return r;
}

static int
request(struct ipc_client *c, struct ipc_msg *m, void *arg)
{
	static struct pam_question	 q;
	struct pamd			*p = arg;
	uint64_t			 id = m->id;

	if (proto_pam_get_ask(m, &q) == -1)
		return -1;
	if (p->service.helpers == NULL || ask(p, c, id, &q) == -1)
		answer(c, id, PAM_VERDICT_LATER);
	explicit_bzero(&q, sizeof(q));
	return 0;
}

int
pamd_main(const struct config *conf)
{
	struct pamd	 p = { .conf = conf };

	p.service = (struct helper_service){ .name = "pamd",
	    .run_dir = conf->run_dir, .request = request, .arg = &p,
	    .kind = { .title = "password", .max = PAMD_HELPERS,
	    .queue = PAMD_QUEUE, .limit_ms = PAMD_LIMIT_MS, .work = work,
	    .arg = &p } };
	if (!config_list_has(&conf->users, "system"))
		p.service.idle = "users has no system";
	return helper_service_run(&p.service);
}
