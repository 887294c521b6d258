/* Contract in verify.h. */
#include <stdlib.h>
#include <string.h>

#include <security/pam_appl.h>

#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "pamd/verify.h"

/* The password for what is to be hidden; whoever asks for more asks in vain. */
static int
converse(int n, const struct pam_message **m, struct pam_response **out,
    void *arg)
{
	struct pam_response	*r;
	int			 i;

	if (n < 1 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	r = xcalloc((size_t)n, sizeof(*r));
	for (i = 0; i < n; i++)
		switch (m[i]->msg_style) {
		case PAM_PROMPT_ECHO_OFF:
			r[i].resp = xstrdup(arg);
			break;
		case PAM_ERROR_MSG:
		case PAM_TEXT_INFO:
			break;
		default:
			goto fail;
		}
	*out = r;
	return PAM_SUCCESS;
fail:
	while (i-- > 0)
		if (r[i].resp != NULL) {
			explicit_bzero(r[i].resp, strlen(r[i].resp));
			free(r[i].resp);
		}
	free(r);
	return PAM_CONV_ERR;
}

/* Waiting is authd's: PAM's own would hold up the passwords behind. */
static void
no_delay(int status, unsigned int us, void *arg)
{
	(void)status;
	(void)us;
	(void)arg;
}

static int
set_up(pam_handle_t *h, const char *ip)
{
	void	(*delay)(int, unsigned int, void *) = no_delay;
	void	*item;
	int	 rc;

	memcpy(&item, &delay, sizeof(item));
	rc = pam_set_item(h, PAM_FAIL_DELAY, item);
	if (rc == PAM_SUCCESS && ip[0] != '\0')
		rc = pam_set_item(h, PAM_RHOST, ip);
	return rc;
}

/* A module may map a name to another: then it is somebody else's password. */
static bool
same_user(pam_handle_t *h, const char *user)
{
	const void	*item = NULL;

	return pam_get_item(h, PAM_USER, &item) == PAM_SUCCESS &&
	    item != NULL && strcmp(item, user) == 0;
}

static enum pam_verdict
judge(pam_handle_t *h, int rc, const char *user, const char *step)
{
	switch (rc) {
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_CRED_INSUFFICIENT:
		/* Its password was right: a person may wonder. */
		if (strcmp(step, "account") != 0)
			return PAM_VERDICT_BAD;
		/* FALLTHROUGH */
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_AUTHTOK_EXPIRED:
	case PAM_PERM_DENIED:
		log_info("event=account-refused user=%s step=%s reason=%s",
		    log_esc(user), step, log_esc(pam_strerror(h, rc)));
		return PAM_VERDICT_BAD;
	default:
		log_warnx("event=pam-failed user=%s step=%s reason=%s",
		    log_esc(user), step, log_esc(pam_strerror(h, rc)));
		return PAM_VERDICT_LATER;
	}
}

enum pam_verdict
verify_password(const struct pam_question *q)
{
	union {
		const char	*in;
		void		*out;
	}			 password = { .in = q->password };
	const struct pam_conv	 conv = { converse, password.out };
	pam_handle_t		*h = NULL;
	enum pam_verdict	 v;
	const char		*step = "start";
	int			 rc;

	rc = pam_start(VERIFY_SERVICE, q->user, &conv, &h);
	if (rc != PAM_SUCCESS)
		return judge(NULL, rc, q->user, step);
	rc = set_up(h, q->ip);
	if (rc == PAM_SUCCESS) {
		step = "password";
		rc = pam_authenticate(h, PAM_SILENT |
		    PAM_DISALLOW_NULL_AUTHTOK);
	}
	if (rc == PAM_SUCCESS) {
		step = "account";
		rc = pam_acct_mgmt(h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	}
	if (rc != PAM_SUCCESS)
		v = judge(h, rc, q->user, step);
	else
		v = same_user(h, q->user) ? PAM_VERDICT_OK : PAM_VERDICT_BAD;
	pam_end(h, rc);
	return v;
}
