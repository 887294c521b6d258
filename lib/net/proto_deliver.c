/* Contract in proto_deliver.h. */
#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/net/proto_deliver.h"

static const char *const	 verdicts[] = {
	[MAIL_OK] = "ok",
	[MAIL_TEMP] = "temp",
	[MAIL_PERM] = "perm",
};

/* An id becomes part of a file name: nothing but its alphabet. */
static void
get_id(struct ipc_msg *m, char id[SPOOL_ID_LEN + 1])
{
	size_t	 i;

	ipc_get(m, "id", id, SPOOL_ID_LEN + 1);
	for (i = 0; i < SPOOL_ID_LEN; i++)
		if (!text_is_digit(id[i]) && !(id[i] >= 'a' && id[i] <= 'z')) {
			m->bad = true;
			break;
		}
}

static void
get_number(struct ipc_msg *m, unsigned int *number)
{
	uint64_t	 n;

	ipc_get_u64(m, "number", UINT32_MAX, &n);
	*number = (unsigned int)n;
}

/* What goes into header lines and SMTP commands holds nothing to end one. */
static void
get_line(struct ipc_msg *m, const char *key, char *out, size_t size)
{
	size_t	 i;

	ipc_get_text(m, key, out, size);
	for (i = 0; out[i] != '\0'; i++)
		if (text_is_control(out[i]))
			m->bad = true;
}

void
proto_deliver_put_job(struct ipc_msg *m, uint64_t id,
    const struct deliver_job *j)
{
	ipc_start(m, "job", id);
	ipc_put(m, "id", j->id);
	ipc_put_u64(m, "number", j->number);
	ipc_put_u64(m, "again", j->again);
	ipc_put_u64(m, "arrived", (uint64_t)j->arrived);
	ipc_put_text(m, "sender", j->sender);
	ipc_put_text(m, "recipient", j->recipient);
	ipc_put_text(m, "user", j->user);
	ipc_put_text(m, "home", j->home);
	ipc_put_u64(m, "quota-octets", j->quota_octets);
	ipc_put_u64(m, "quota-count", j->quota_count);
	ipc_put_u64(m, "offset", j->offset);
	ipc_put_u64(m, "len", j->len);
	ipc_put_u64(m, "utf8", j->utf8);
	ipc_attach(m, j->fd);
}

int
proto_deliver_get_job(struct ipc_msg *m, struct deliver_job *j)
{
	uint64_t	 n;

	if (strcmp(m->verb, "job") != 0)
		m->bad = true;
	get_id(m, j->id);
	get_number(m, &j->number);
	ipc_get_u64(m, "again", 1, &n);
	j->again = n != 0;
	ipc_get_u64(m, "arrived", INT64_MAX, &n);
	j->arrived = (int64_t)n;
	get_line(m, "sender", j->sender, sizeof(j->sender));
	get_line(m, "recipient", j->recipient, sizeof(j->recipient));
	get_line(m, "user", j->user, sizeof(j->user));
	ipc_get_text(m, "home", j->home, sizeof(j->home));
	ipc_get_u64(m, "quota-octets", UINT64_MAX, &j->quota_octets);
	ipc_get_u64(m, "quota-count", UINT64_MAX, &j->quota_count);
	ipc_get_u64(m, "offset", INT64_MAX, &j->offset);
	/* The end too must be an offset: offset + len never overflows. */
	ipc_get_u64(m, "len", INT64_MAX - j->offset, &j->len);
	ipc_get_u64(m, "utf8", 1, &j->utf8);
	j->fd = ipc_take_fd(m);
	if (ipc_end(m) == 0)
		return 0;
	io_close(j->fd);
	j->fd = -1;
	return -1;
}

void
proto_deliver_put_result(struct ipc_msg *m, uint64_t id,
    const struct deliver_result *r)
{
	ipc_start(m, "result", id);
	ipc_put(m, "id", r->id);
	ipc_put_u64(m, "number", r->number);
	ipc_put(m, "verdict", verdicts[r->verdict]);
	ipc_put(m, "code", r->code);
	ipc_put_text(m, "text", r->text);
}

/* RFC 3463 2: "class.subject.detail", the class as the verdict says. */
static bool
code_fits(const char *code, enum mail_verdict verdict)
{
	static const char	 class[] = "245";
	int			 dots = 0;
	size_t			 i;

	if (code[0] != class[verdict])
		return false;
	for (i = 0; code[i] != '\0'; i++) {
		if (code[i] == '.' && text_is_digit(code[i + 1]))
			dots++;
		else if (!text_is_digit(code[i]))
			return false;
	}
	return dots == 2;
}

int
proto_deliver_get_result(struct ipc_msg *m, struct deliver_result *r)
{
	char	 name[8];
	size_t	 i;

	if (strcmp(m->verb, "result") != 0)
		m->bad = true;
	get_id(m, r->id);
	get_number(m, &r->number);
	ipc_get(m, "verdict", name, sizeof(name));
	r->verdict = MAIL_TEMP;
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (strcmp(name, verdicts[i]) == 0)
			break;
	if (i == sizeof(verdicts) / sizeof(verdicts[0]))
		m->bad = true;
	else
		r->verdict = (enum mail_verdict)i;
	ipc_get(m, "code", r->code, sizeof(r->code));
	if (!code_fits(r->code, r->verdict))
		m->bad = true;
	ipc_get_text(m, "text", r->text, sizeof(r->text));
	return ipc_end(m);
}
