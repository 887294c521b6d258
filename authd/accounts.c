/* Contract in accounts.h. */
#include <stdlib.h>

#include <bsd/string.h>
#include <bsd/sys/tree.h>

#include "authd/accounts.h"
#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/address.h"
#include "lib/store/system_user.h"

/* Those that were found once; as many as there are accounts. */
struct account {
	RB_ENTRY(account)	 entry;
	char			 local[SYSTEM_NAME_MAX + 1];
	char			*name;		/* u.name */
	struct user		 u;
	int64_t			 until;		/* then it is looked up anew */
	bool			 gone;		/* it was one */
};

static int
account_compare(const struct account *a, const struct account *b)
{
	return strcmp(a->local, b->local);
}

RB_HEAD(account_tree, account);
RB_GENERATE_INTERNAL(account_tree, account, entry, account_compare,
    __attribute__((unused)) static)

struct accounts {
	const struct config	*conf;
	struct account_tree	 tree;
};

struct accounts *
accounts_new(const struct config *conf)
{
	struct accounts	*as = xcalloc(1, sizeof(*as));

	as->conf = conf;
	RB_INIT(&as->tree);
	return as;
}

void
accounts_free(struct accounts *as)
{
	struct account	*a;

	if (as == NULL)
		return;
	while ((a = RB_MIN(account_tree, &as->tree)) != NULL) {
		RB_REMOVE(account_tree, &as->tree, a);
		free(a->name);
		free(a);
	}
	free(as);
}

/* What is known of its mailbox's use outlives a new look. */
static struct account *
account_keep(struct accounts *as, const char *local, uint32_t uid,
    uint32_t gid)
{
	struct account	 key, *a;

	strlcpy(key.local, local, sizeof(key.local));
	a = RB_FIND(account_tree, &as->tree, &key);
	if (a == NULL) {
		a = xcalloc(1, sizeof(*a));
		memcpy(a->local, key.local, sizeof(a->local));
		xasprintf(&a->name, "%s@%s", local, as->conf->hostname);
		text_lower_str(a->name);
		a->u.name = a->name;
		a->u.secret = "";
		a->u.extra = "";
		a->u.account = true;
		RB_INSERT(account_tree, &as->tree, a);
	}
	a->u.uid = uid;
	a->u.gid = gid;
	a->until = io_monotonic_ms() + ACCOUNTS_MS;
	a->gone = false;
	return a;
}

/* Of a name in one of our domains: what stands before it, in lower case. */
static bool
account_local(const struct accounts *as, const char *name, char *local)
{
	const char	*at = strrchr(name, '@');
	size_t		 len;

	if (at == NULL || (len = (size_t)(at - name)) == 0 ||
	    len > SYSTEM_NAME_MAX || !config_is_local(as->conf, at + 1))
		return false;
	memcpy(local, name, len);
	local[len] = '\0';
	text_lower_str(local);
	return true;
}

struct user *
accounts_find(struct accounts *as, const char *name, bool *unsure)
{
	struct account	 key, *a;
	uint32_t	 uid, gid;

	if (!account_local(as, name, key.local))
		return NULL;
	a = RB_FIND(account_tree, &as->tree, &key);
	if (a != NULL && !a->gone && a->until > io_monotonic_ms())
		return &a->u;
	switch (system_user_find(as->conf, key.local, &uid, &gid)) {
	case SYSTEM_USER_FOUND:
		return &account_keep(as, key.local, uid, gid)->u;
	case SYSTEM_USER_NONE:
		if (a != NULL)
			a->gone = true;
		return NULL;
	case SYSTEM_USER_TEMP:
		break;
	}
	log_warn("event=accounts-unreadable user=%s", log_esc(key.local));
	/* One that was there a minute ago most probably still is. */
	if (a != NULL && !a->gone)
		return &a->u;
	*unsure = true;
	return NULL;
}

bool
accounts_has_uid(struct accounts *as, uint32_t uid)
{
	struct account	*a;
	char		 name[SYSTEM_NAME_MAX + 1];
	uint32_t	 gid;
	int64_t		 now = io_monotonic_ms();

	RB_FOREACH(a, account_tree, &as->tree)
		if (a->u.uid == uid && !a->gone && a->until > now)
			return true;
	if (system_user_of(as->conf, uid, name, &gid) != SYSTEM_USER_FOUND)
		return false;
	text_lower_str(name);
	account_keep(as, name, uid, gid);
	return true;
}
