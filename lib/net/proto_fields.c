/* Contract in proto_fields.h. */
#include <string.h>

#include <bsd/string.h>

#include "lib/base/text.h"
#include "lib/net/proto_fields.h"

static const char *const	 verdicts[] = {
	[MAIL_OK] = "ok",
	[MAIL_TEMP] = "temp",
	[MAIL_PERM] = "perm",
};

void
proto_get_id(struct ipc_msg *m, char id[SPOOL_ID_LEN + 1])
{
	size_t	 i;

	ipc_get(m, "id", id, SPOOL_ID_LEN + 1);
	for (i = 0; i < SPOOL_ID_LEN; i++)
		if (!text_is_digit(id[i]) && !(id[i] >= 'a' && id[i] <= 'z')) {
			m->bad = true;
			break;
		}
}

void
proto_get_number(struct ipc_msg *m, const char *key, unsigned int *number)
{
	uint64_t	 n;

	ipc_get_u64(m, key, UINT32_MAX, &n);
	*number = (unsigned int)n;
}

bool
proto_get_bool(struct ipc_msg *m, const char *key)
{
	uint64_t	 n;

	ipc_get_u64(m, key, 1, &n);
	return n != 0;
}

void
proto_get_line(struct ipc_msg *m, const char *key, char *out, size_t size)
{
	size_t	 i;

	ipc_get_text(m, key, out, size);
	for (i = 0; out[i] != '\0'; i++)
		if (text_is_control(out[i]))
			m->bad = true;
}

void
proto_put_verdict(struct ipc_msg *m, enum mail_verdict verdict,
    const char *code)
{
	ipc_put(m, "verdict", verdicts[verdict]);
	ipc_put(m, "code", code);
}

bool
proto_code_fits(const char *code, char class)
{
	int	 dots = 0;
	size_t	 i;

	if (code[0] != class)
		return false;
	for (i = 0; code[i] != '\0'; i++) {
		if (code[i] == '.' && text_is_digit(code[i + 1]))
			dots++;
		else if (!text_is_digit(code[i]))
			return false;
	}
	return dots == 2;
}

void
proto_get_verdict(struct ipc_msg *m, enum mail_verdict *verdict,
    char code[12])
{
	char	 name[8];
	size_t	 i;

	ipc_get(m, "verdict", name, sizeof(name));
	*verdict = MAIL_TEMP;		/* never OK by accident */
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (strcmp(name, verdicts[i]) == 0)
			break;
	if (i == sizeof(verdicts) / sizeof(verdicts[0]))
		m->bad = true;
	else
		*verdict = (enum mail_verdict)i;
	ipc_get(m, "code", code, 12);
	if (!proto_code_fits(code, "245"[*verdict]))
		m->bad = true;
}

void
proto_put_done(struct ipc_msg *m, uint64_t id, const char *error)
{
	char	 text[PROTO_ERROR_MAX];

	ipc_start(m, error == NULL ? "ok" : "error", id);
	if (error == NULL)
		return;
	(void)strlcpy(text, error, sizeof(text));
	ipc_put_text(m, "text", text);
}

int
proto_get_done(struct ipc_msg *m, bool *ok, char *error, size_t size)
{
	*ok = strcmp(m->verb, "ok") == 0;
	error[0] = '\0';
	if (!*ok) {
		ipc_expect(m, "error");
		ipc_get_text(m, "text", error, size);
	}
	if (ipc_end(m) == 0)
		return 0;
	*ok = false;
	error[0] = '\0';
	return -1;
}
