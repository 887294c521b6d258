/* Contract in submit.h. */
#include <string.h>

#include "lib/base/log.h"
#include "lib/net/credentials.h"
#include "smtpd/secure.h"
#include "smtpd/session.h"
#include "smtpd/submit.h"
#include "smtpd/transaction.h"

bool
submit_wants_login(const struct session *s, struct command_error *err)
{
	if (s->role != ROLE_SUBMISSION || s->user[0] != '\0' ||
	    (s->trusted && s->config->smtpd.trusted_submission))
		return false;
	*err = (struct command_error){ 530, "5.7.0",
	    "authentication required" };
	if (secure_offered(s) && !credentials_safe(&s->peer))
		err->text = "authentication required: say STARTTLS, then "
		    "AUTH";
	return true;
}

/* authd's answer about so many recipients, 0: none yet. */
static bool
ask(struct session *s, const char *sender, size_t count,
    struct command_error *err)
{
	static struct auth_submit	 question;
	enum auth_may			 may;

	memset(&question, 0, sizeof(question));
	memcpy(question.user, s->user, sizeof(question.user));
	memcpy(question.sender, sender, strlen(sender));
	question.count = count;
	if (auth_client_submit(&s->server->lookup.client, &question,
	    &may) == -1) {
		log_warn("event=authd-unreachable");
		*err = (struct command_error){ 451, "4.3.0",
		    "cannot look up users now, try again later" };
		return true;
	}
	switch (may) {
	case AUTH_MAY:
		return false;
	case AUTH_MAY_NOT:
		*err = (struct command_error){ 553, "5.7.1",
		    "this sender address is not yours" };
		return true;
	case AUTH_MAY_LATER:
		*err = (struct command_error){ 450, "4.7.1",
		    "too many messages or recipients, try again later" };
		return true;
	}
	return true;
}

bool
submit_no_sender(struct session *s, const struct address *from,
    struct command_error *err)
{
	return s->user[0] != '\0' && ask(s, from->text, 0, err);
}

bool
submit_too_many(struct session *s, struct command_error *err)
{
	return s->user[0] != '\0' && ask(s, s->tx.env.from,
	    transaction_rcpts(&s->tx), err);
}
