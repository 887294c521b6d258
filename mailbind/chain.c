/* Contract in chain.h. */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "mailbind/chain.h"

static const struct chain_service	 services[] = {
	{ "authd", "merpati-auth" },
	{ "imapd", "merpati-imapd" },
	{ "keyd", "merpati-key" },
	{ "pamd", "merpati-pam" },
	{ "pop3d", "merpati-pop3d" },
	{ "queue-runner", "merpati-queue" },
	{ "remote", "merpati-remote" },
	{ "resolver", "merpati-resolver" },
	{ "smtpd", "merpati-smtpd" },
	{ "spawner", NULL },
	{ "tokend", "merpati-token" },
};

/* What a daemon's environment may hold; sanitizers are told things there. */
static const char *const	 kept[] = {
	"PATH", "TZ", "NOTIFY_FD",
#ifdef __SANITIZE_ADDRESS__
	"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
#endif
};

const struct chain_service *
chain_find(const char *name)
{
	size_t	 i;

	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	return NULL;
}

const struct chain_service *
chain_nth(size_t i)
{
	if (i >= sizeof(services) / sizeof(services[0]))
		return NULL;
	return &services[i];
}

void
chain_want(struct sockets *s, const struct config *cf)
{
	const struct config_listeners	*net = NULL;
	char				*submit;
	size_t				 i;
	int				 bad = 0;

	if (strcmp(s->service, "smtpd") == 0) {
		net = &cf->smtpd.net;
		xasprintf(&submit, "unix:%s/smtpd/submit.sock",
		    cf->run_dir);
		bad = sockets_want(s, submit);
	} else if (strcmp(s->service, "pop3d") == 0)
		net = &cf->pop3d.net;
	else if (strcmp(s->service, "imapd") == 0)
		net = &cf->imapd.net;
	for (i = 0; net != NULL && i < net->nlisten && bad == 0; i++)
		bad = sockets_want(s, net->listen[i].address);
	if (bad != 0) {
		log_warnx("event=too-many-listeners service=%s max=%d",
		    s->service, SOCKETS_MAX);
		exit(EX_CONFIG);
	}
}

void
chain_environment(const char *listen, const char *conf)
{
	char	*value[sizeof(kept) / sizeof(kept[0])];
	size_t	 i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		value[i] = getenv(kept[i]);
		if (value[i] != NULL)
			value[i] = xstrdup(value[i]);
	}
	clearenv();
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (value[i] != NULL) {
			setenv(kept[i], value[i], 1);
			free(value[i]);
		}
	setenv("MERPATI_LISTEN", listen, 1);
	setenv("MERPATI_CONF", conf, 1);
}

int
chain_notify_fd(void)
{
	const char	*v = getenv("NOTIFY_FD");
	uint64_t	 n;

	if (v == NULL || text_u64(slice_str(v), 65535, &n) == -1)
		return -1;
	return (int)n;
}
