/*
 * Contract in send.h.  All or nothing: a message with a refused recipient is
 * sent to nobody, so that a caller who mends it and sends again makes no
 * duplicates.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "deliver/compose.h"
#include "deliver/identity.h"
#include "deliver/input.h"
#include "deliver/report.h"
#include "deliver/send.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "lib/net/smtp_submit.h"

#define PATH_LEN	512

struct rcpts {
	char		**item;
	size_t		  n, size;
	const char	 *hostname;
	bool		  utf8;
};

static int
add_rcpt(const struct address *a, void *arg)
{
	struct rcpts	*r = arg;
	struct address	 full = *a;

	if (a->text[0] == '\0' || (a->domain[0] == '\0' &&
	    address_make(a->local, r->hostname, &full) == -1))
		return -1;
	if (r->n == r->size) {
		r->size = r->size == 0 ? 16 : r->size * 2;
		r->item = xreallocarray(r->item, r->size, sizeof(r->item[0]));
	}
	r->item[r->n++] = xstrdup(full.text);
	r->utf8 = r->utf8 || full.utf8;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const char *const	*x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* One copy each, however often somebody is named. */
static void
drop_duplicates(struct rcpts *r)
{
	size_t	 i, n = 0;

	if (r->n == 0)
		return;
	qsort(r->item, r->n, sizeof(r->item[0]), compare);
	for (i = 1; i < r->n; i++) {
		if (strcmp(r->item[n], r->item[i]) == 0)
			free(r->item[i]);
		else
			r->item[++n] = r->item[i];
	}
	r->n = n + 1;
}

static void
free_rcpts(struct rcpts *r)
{
	size_t	 i;

	for (i = 0; i < r->n; i++)
		free(r->item[i]);
	free(r->item);
}

/* Each argument is an address list: "bob", "a@b,c@d", "Bob <bob@x>". */
static int
rcpts_of_arguments(struct rcpts *r, const struct deliver_options *o)
{
	const int	 flags = ADDRESS_LENIENT | ADDRESS_UTF8;
	size_t		 i;

	for (i = 0; i < o->nrcpt; i++)
		if (address_list(slice_str(o->rcpt[i]), flags, add_rcpt,
		    r) != 0)
			return report(EX_DATAERR,
			    "%s: no valid recipient address", o->rcpt[i]);
	return EX_OK;
}

static void
take_rcpts(struct rcpts *r, struct compose *c)
{
	size_t	 i;

	r->item = xreallocarray(r->item, r->n + c->nrcpt + 1,
	    sizeof(r->item[0]));
	for (i = 0; i < c->nrcpt; i++)
		r->item[r->n++] = c->rcpt[i];
	r->size = r->n + 1;
	c->nrcpt = 0;
}

static void
report_refused(const char *rcpt, const struct smtp_reply *reply, void *arg)
{
	(void)arg;
	(void)report(0, "<%s>: %d %s %s", rcpt, reply->code,
	    smtp_reply_enhanced(reply), reply->text);
}

static int
report_reply(const struct smtp_reply *r)
{
	return report(report_exit_code(r), "not sent: %d %s %s", r->code,
	    smtp_reply_enhanced(r), r->text);
}

static int
submit(const struct config *cfg, const struct deliver_options *o,
    const struct smtp_envelope *e, const struct compose *c)
{
	struct smtp_submit	 s;
	char			 path[PATH_LEN];
	int			 code = EX_OK;

	if (smtp_submit_path(cfg->run_dir, path, sizeof(path)) == -1)
		return report(EX_CONFIG, "run-dir is too long");
	if (smtp_submit_open(&s, path, cfg->hostname) == -1 ||
	    smtp_submit_envelope(&s, e, report_refused, NULL) == -1 ||
	    smtp_submit_data(&s) == -1) {
		code = report_reply(&s.smtp.reply);
		smtp_submit_close(&s);
		return code;
	}
	smtp_submit_put(&s, buf_slice(&c->head));
	smtp_submit_put(&s, c->body);
	if (smtp_submit_end(&s) == -1)
		code = report_reply(&s.smtp.reply);
	else if (o->verbose)
		printf("queued as %s\n", s.id[0] != '\0' ? s.id : "(no id)");
	smtp_submit_close(&s);
	return code;
}

static int
read_input(const struct config *cfg, struct input *in)
{
	if (input_read(in, STDIN_FILENO) == -1) {
		if (errno == EMSGSIZE)
			return report(EX_DATAERR, "not sent: the message is "
			    "larger than message-size, %llu octets",
			    (unsigned long long)cfg->message_size);
		return report(EX_IOERR, "not sent: cannot read the message: "
		    "%s", strerror(errno));
	}
	if (in->nul)
		return report(EX_DATAERR,
		    "not sent: the message holds NUL octets");
	return EX_OK;
}

static int
send_input(const struct config *cfg, const struct deliver_options *o,
    const struct identity *id, struct input *in, struct rcpts *r)
{
	char			 unique[48], err[COMPOSE_ERROR_MAX];
	struct compose		 c = { .hostname = cfg->hostname,
	    .sender = id->author.text, .name = id->name, .unique = unique,
	    .now = time(NULL), .recipients = o->from_header,
	    .complete = !o->gateway };
	struct smtp_envelope	 e = { .sender = id->sender.text,
	    .ret = o->ret, .envid = o->envid,
	    .notify = o->notify[0] != '\0' ? o->notify : NULL };
	int			 code;

	snprintf(unique, sizeof(unique), "%llx.%08x%08x",
	    (unsigned long long)c.now, arc4random(), arc4random());
	if (compose_message(&c, buf_slice(&in->text), err) == -1)
		code = report(EX_DATAERR, "not sent: %s", err);
	else {
		take_rcpts(r, &c);
		drop_duplicates(r);
		e.rcpt = (const char *const *)r->item;
		e.nrcpt = r->n;
		e.size = c.head.len + c.body.len;
		e.eightbit = in->eightbit;
		e.utf8 = c.utf8 || r->utf8 || id->sender.utf8;
		code = r->n == 0 ? report(EX_DATAERR,
		    "not sent: no recipient in the header") :
		    submit(cfg, o, &e, &c);
	}
	compose_free(&c);
	return code;
}

int
send_message(const struct config *cfg, const struct deliver_options *o)
{
	struct identity	 id;
	struct rcpts	 r = { .hostname = cfg->hostname };
	struct input	 in;
	int		 code;

	input_init(&in, o->dot_ends, (size_t)cfg->message_size);
	code = identity_find(cfg, o, &id);
	if (code == EX_OK)
		code = rcpts_of_arguments(&r, o);
	if (code == EX_OK)
		code = read_input(cfg, &in);
	if (code == EX_OK)
		code = send_input(cfg, o, &id, &in, &r);
	input_free(&in);
	free_rcpts(&r);
	return code;
}

static void
print_refused(const char *rcpt, const struct smtp_reply *reply, void *arg)
{
	(void)arg;
	printf("%s... %d %s %s\n", rcpt, reply->code,
	    smtp_reply_enhanced(reply), reply->text);
}

static int
verify_each(struct smtp_submit *s, struct smtp_envelope *e,
    const struct rcpts *r)
{
	int	 code = EX_OK;
	size_t	 i;

	for (i = 0; i < r->n; i++) {
		e->rcpt = (const char *const *)&r->item[i];
		if (smtp_submit_envelope(s, e, print_refused, NULL) == -1)
			code = report_exit_code(&s->smtp.reply);
		else
			printf("%s... deliverable\n", r->item[i]);
		if (smtp_submit_reset(s) == -1)
			return report_reply(&s->smtp.reply);
	}
	return code;
}

int
send_verify(const struct config *cfg, const struct deliver_options *o)
{
	struct identity		 id;
	struct smtp_submit	 s;
	struct rcpts		 r = { .hostname = cfg->hostname };
	struct smtp_envelope	 e = { .nrcpt = 1 };
	char			 path[PATH_LEN];
	int			 code;

	smtp_submit_init(&s);
	code = identity_find(cfg, o, &id);
	if (code == EX_OK)
		code = rcpts_of_arguments(&r, o);
	e.sender = id.sender.text;
	e.utf8 = r.utf8;
	if (code == EX_OK && smtp_submit_path(cfg->run_dir, path,
	    sizeof(path)) == -1)
		code = report(EX_CONFIG, "run-dir is too long");
	if (code == EX_OK && smtp_submit_open(&s, path, cfg->hostname) == -1)
		code = report_reply(&s.smtp.reply);
	if (code == EX_OK)
		code = verify_each(&s, &e, &r);
	smtp_submit_close(&s);
	free_rcpts(&r);
	return code;
}
