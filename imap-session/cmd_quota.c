/*
 * Quotas (RFC 9208): one root, the account's, which nobody sets by IMAP; none
 * where there is no limit, as a list of resources is never empty (7).
 */
#include <errno.h>

#include "imap-session/command.h"
#include "lib/mail/mailbox_name.h"
#include "lib/store/tree.h"

#define ROOT	"account"

static bool
quota_limits(const struct session *s)
{
	return s->account.quota_octets != 0 || s->account.quota_count != 0;
}

/* "* QUOTA root (STORAGE used limit MESSAGE used limit)", in KiB. */
static int
quota_put(struct session *s)
{
	const struct account	*a = &s->account;
	uint64_t		 octets = 0, count = 0;
	bool			 any = a->quota_octets != 0;

	if (account_usage(&s->account, &octets, &count) == -1)
		return -1;
	stream_printf(&s->s, "* QUOTA \"" ROOT "\" (");
	if (a->quota_octets != 0)
		stream_printf(&s->s, "STORAGE %llu %llu",
		    (unsigned long long)((octets + 1023) / 1024),
		    (unsigned long long)((a->quota_octets + 1023) / 1024));
	if (a->quota_count != 0)
		stream_printf(&s->s, "%sMESSAGE %llu %llu", any ? " " : "",
		    (unsigned long long)count,
		    (unsigned long long)a->quota_count);
	stream_printf(&s->s, ")\r\n");
	return 0;
}

enum command_end
cmd_getquota(struct session *s, bool uid)
{
	struct slice	 root;

	(void)uid;
	if (!imap_lex_space(&s->lex) || !imap_lex_astring(&s->lex, &root) ||
	    !imap_lex_end(&s->lex))
		return COMMAND_LEX;
	if (!slice_eq(root, SLICE_LIT(ROOT)) || !quota_limits(s))
		return command_answer(s, COMMAND_NO,
		    "[NONEXISTENT] There is no such quota root");
	return quota_put(s) == 0 ? COMMAND_OK : command_failed(s, "GETQUOTA");
}

enum command_end
cmd_getquotaroot(struct session *s, bool uid)
{
	char		 dir[MAILBOX_DIR_MAX + 1];
	struct buf	 name;
	int		 r;

	(void)uid;
	buf_init(&name, MAILBOX_NAME_MAX);
	if (!imap_lex_space(&s->lex) || !command_mailbox(s, &name) ||
	    !imap_lex_end(&s->lex)) {
		buf_free(&name);
		return COMMAND_LEX;
	}
	errno = ENOENT;
	r = tree_dir(buf_slice(&name), dir) == 0 &&
	    tree_exists(&s->account, dir) ? 0 : -1;
	if (r == 0) {
		stream_printf(&s->s, "* QUOTAROOT ");
		put_mailbox(s, buf_slice(&name));
		if (quota_limits(s)) {
			stream_printf(&s->s, " \"" ROOT "\"\r\n");
			r = quota_put(s);
		} else
			stream_printf(&s->s, "\r\n");
	}
	buf_free(&name);
	return r == 0 ? COMMAND_OK : command_failed(s, "GETQUOTAROOT");
}

enum command_end
cmd_setquota(struct session *s, bool uid)
{
	(void)uid;
	return command_answer(s, COMMAND_NO,
	    "[NOPERM] Quotas are set by the postmaster");
}
