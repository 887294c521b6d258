/* Contract in queue_print.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/state.h"
#include "mailctl/mailctl.h"
#include "mailctl/queue_print.h"

#define HEAD_MAX	(256 * 1024)

/* Local time; a listing has many messages of one second. */
static const char *
time_text(int64_t when)
{
	static char	 text[32];
	static int64_t	 last = -1;
	time_t		 t = (time_t)when;
	struct tm	 tm;

	if (when == last)
		return text;
	if (localtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return "?";
	last = when;
	return text;
}

static const char *
or_null(const char *address)
{
	return address[0] == '\0' ? "<>" : shown(address);
}

void
queue_print_begin(struct queue_print *p, bool json)
{
	p->json = json;
	p->count = p->octets = 0;
	json_list_begin(&p->j, json);
}

static void
item_json(struct json *j, const struct queue_item *q)
{
	json_open(j, NULL, '{');
	json_string(j, "id", q->id);
	json_string(j, "where", queue_where_name(q->where));
	json_unsigned(j, "size", q->size);
	json_number(j, "arrived", q->arrived);
	json_number(j, "next", q->next);
	json_unsigned(j, "recipients", q->rcpts);
	json_unsigned(j, "pending", q->pending);
	json_unsigned(j, "tries", q->tries);
	json_string(j, "sender", q->from);
	json_string(j, "recipient", q->to);
	json_string(j, "code", q->code);
	json_string(j, "reason", q->reason);
	json_close(j, '}');
	fputs("\n", j->f);
}

static void
item_text(const struct queue_item *q)
{
	printf("%-20s %-8s %7s  %s  %s\n", q->id, queue_where_name(q->where),
	    shown_size(q->size), time_text(q->arrived), or_null(q->from));
	printf("    to %s", or_null(q->to));
	if (q->pending > 1)
		printf(" and %llu more", (unsigned long long)q->pending - 1);
	if (q->tries > 0)
		printf(", tried %llu time%s", (unsigned long long)q->tries,
		    q->tries == 1 ? "" : "s");
	if (q->next > 0)
		printf(", next try %s", time_text(q->next));
	putchar('\n');
	if (q->reason[0] != '\0')
		printf("    %s%s%s\n", q->code, q->code[0] != '\0' ? " " : "",
		    shown(q->reason));
}

int
queue_print_item(const struct queue_item *q, void *arg)
{
	struct queue_print	*p = arg;

	p->count++;
	p->octets += q->size;
	if (p->json)
		item_json(&p->j, q);
	else
		item_text(q);
	return ferror(stdout) ? 1 : 0;
}

static void
dest_json(struct json *j, const struct queue_dest *d)
{
	json_open(j, NULL, '{');
	json_string(j, "destination", d->name);
	json_string(j, "state", queue_dest_state_name(d->state));
	json_unsigned(j, "connections", d->connections);
	json_unsigned(j, "allowed", d->allowed);
	json_unsigned(j, "waiting", d->waiting);
	json_unsigned(j, "deferred", d->deferred);
	json_number(j, "next", d->next);
	json_string(j, "code", d->code);
	json_string(j, "host", d->host);
	json_string(j, "reason", d->reason);
	json_close(j, '}');
	fputs("\n", j->f);
}

static void
dest_text(const struct queue_dest *d)
{
	printf("%s\n    %s", shown(d->name), queue_dest_state_name(d->state));
	if (d->next > 0)
		printf(" until %s", time_text(d->next));
	printf(", %llu of %llu connections, %llu waiting, %llu deferred\n",
	    (unsigned long long)d->connections,
	    (unsigned long long)d->allowed, (unsigned long long)d->waiting,
	    (unsigned long long)d->deferred);
	if (d->code[0] == '\0')
		return;
	printf("    %s ", d->code);
	if (d->host[0] != '\0')
		printf("%s: ", shown(d->host));
	printf("%s\n", shown(d->reason));
}

int
queue_print_dest(const struct queue_dest *d, struct queue_print *p)
{
	p->count++;
	if (p->json)
		dest_json(&p->j, d);
	else
		dest_text(d);
	return ferror(stdout) ? 1 : 0;
}

void
queue_print_end_dests(struct queue_print *p)
{
	json_list_end(&p->j, p->json);
	if (!p->json && p->count == 0)
		printf("No mail is on its way to other hosts.\n");
}

void
queue_print_end(struct queue_print *p)
{
	json_list_end(&p->j, p->json);
	if (p->json)
		return;
	if (p->count == 0)
		printf("The queue is empty.\n");
	else
		printf("%llu message%s, %s\n", (unsigned long long)p->count,
		    p->count == 1 ? "" : "s", shown_size(p->octets));
}

static int
copy_message(int fd, const struct envelope *env)
{
	static char	 block[65536];
	off_t		 at = (off_t)(env->block - env->head);
	off_t		 end = (off_t)(env->block + env->size);
	ssize_t		 n;

	while (at < end) {
		n = io_pread_full(fd, block, (size_t)(end - at <
		    (off_t)sizeof(block) ? end - at : (off_t)sizeof(block)),
		    at);
		if (n <= 0)
			return complain(EX_IOERR, "the message: %s",
			    n == -1 ? strerror(errno) : "cut short");
		if (fwrite(block, 1, (size_t)n, stdout) != (size_t)n)
			return EX_IOERR;
		at += n;
	}
	return EX_OK;
}

/* The header section for a terminal, line by line. */
static void
print_header(int fd, const struct envelope *env)
{
	static char	 head[HEAD_MAX + 1];
	char		*p, *nl;
	ssize_t		 n;

	n = io_pread_full(fd, head, HEAD_MAX, (off_t)(env->block - env->head));
	if (n <= 0)
		return;
	head[n] = '\0';
	putchar('\n');
	for (p = head; (nl = strchr(p, '\n')) != NULL; p = nl + 1) {
		*nl = '\0';
		if (nl > p && nl[-1] == '\r')
			nl[-1] = '\0';
		if (*p == '\0')
			break;
		printf("    %s\n", shown(p));
	}
}

static const char *
letter_name(enum state_letter l)
{
	switch (l) {
	case STATE_PENDING:
		return "pending";
	case STATE_DONE:
		return "delivered";
	case STATE_FAILED:
		return "failed";
	case STATE_BOUNCING:
		return "bouncing";
	case STATE_SUCCEEDING:
		return "reporting";
	}
	return "?";
}

static void
rcpt_text(const char *address, const char *status, const char *code,
    const char *text)
{
	printf("  %-10s %s", status, or_null(address));
	if (code[0] != '\0')
		printf("  %s %s", code, shown(text == NULL ? "" : text));
	putchar('\n');
}

static void
rcpt_json(struct json *j, const char *address, const char *status,
    const char *code, const char *text)
{
	json_open(j, NULL, '{');
	json_string(j, "address", address);
	json_string(j, "status", status);
	json_string(j, "code", code);
	json_string(j, "reason", text == NULL ? "" : text);
	json_close(j, '}');
}

static void
print_rcpts(const struct envelope *env, const struct state *st, bool stated,
    struct json *j)
{
	size_t	 i;

	for (i = 0; stated && i < st->nrcpts; i++) {
		const struct state_rcpt	*r = &st->rcpts[i];

		if (j != NULL)
			rcpt_json(j, r->address, letter_name(r->letter),
			    r->code, r->text);
		else
			rcpt_text(r->address, letter_name(r->letter), r->code,
			    r->text);
	}
	for (i = 0; !stated && i < env->nrcpts; i++) {
		if (j != NULL)
			rcpt_json(j, env->rcpts[i].address, "pending", "",
			    "");
		else
			rcpt_text(env->rcpts[i].address, "pending", "", "");
	}
}

static void
shown_json(const char *id, const struct control_shown *c,
    const struct envelope *env, const struct state *st, bool stated)
{
	struct json	 j;

	json_init(&j, stdout);
	json_open(&j, NULL, '{');
	json_string(&j, "id", id);
	json_string(&j, "where", queue_where_name(c->where));
	json_string(&j, "reason", c->reason);
	json_unsigned(&j, "size", env->size + env->head);
	json_number(&j, "arrived", env->arrived / 1000000);
	json_string(&j, "sender", env->from);
	json_string(&j, "client", env->client_ip);
	json_number(&j, "uid", env->uid);
	json_open(&j, "recipients", '[');
	print_rcpts(env, st, stated, &j);
	json_close(&j, ']');
	json_close(&j, '}');
	json_line(&j);
}

static void
shown_text(const char *id, const struct control_shown *c,
    const struct envelope *env, const struct state *st, bool stated)
{
	printf("id       %s\nwhere    %s\n", id, queue_where_name(c->where));
	if (c->reason[0] != '\0')
		printf("reason   %s\n", shown(c->reason));
	printf("size     %s\narrived  %s\nsender   %s\n",
	    shown_size(env->size + env->head),
	    time_text(env->arrived / 1000000), or_null(env->from));
	if (env->client_ip != NULL)
		printf("client   %s\n", shown(env->client_ip));
	if (env->uid != -1)
		printf("uid      %ld\n", env->uid);
	print_rcpts(env, st, stated, NULL);
	print_header(c->message, env);
}

int
queue_print_shown(const char *id, const struct control_shown *c, bool message,
    bool json)
{
	struct envelope	 env;
	struct state	 st;
	const char	*why = "cannot be read";
	bool		 stated;
	int		 code = EX_OK;

	envelope_init(&env);
	state_init(&st);
	if (envelope_read(c->message, &env, &why) != ENVELOPE_OK)
		code = complain(EX_DATAERR, "message %s: %s", id, why);
	else if (message)
		code = copy_message(c->message, &env);
	else {
		stated = c->state != -1 &&
		    state_read(c->state, &st, &why) == STATE_OK;
		if (json)
			shown_json(id, c, &env, &st, stated);
		else
			shown_text(id, c, &env, &st, stated);
	}
	state_free(&st);
	envelope_free(&env);
	return code;
}
