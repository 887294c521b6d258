/*
 * mailctl client-config: what mail programs read to set an account up by
 * themselves, for an admin to put on a web server or to send to a user.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <openssl/evp.h>

#include "lib/base/text.h"
#include "mailctl/endpoints.h"
#include "mailctl/mailctl.h"

static const char	 client_usage[] =
    "mailctl client-config thunderbird [domain] | outlook address | "
    "apple address";

#define ADDRESS_NAME	512	/* octets of an address, and a word before */

struct account {
	const struct config	*config;
	const char		*address;	/* NULL: any of the domain */
	const char		*domain;
	struct endpoint		 at[ENDPOINT_KINDS];
};

/* As text in XML; %s of the names is what a configuration file may hold. */
static void
put_text(const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&':
			fputs("&amp;", stdout);
			break;
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		default:
			putchar(*s);
		}
	}
}

static void
put_element(const char *indent, const char *name, const char *text)
{
	printf("%s<%s>", indent, name);
	put_text(text);
	printf("</%s>\n", name);
}

/* --- Thunderbird: its autoconfig format 1.1 ------------------------------ */

static const char *
thunderbird_socket(enum config_tls tls)
{
	switch (tls) {
	case TLS_IMPLICIT:
		return "SSL";
	case TLS_STARTTLS:
		return "STARTTLS";
	case TLS_AUTO:
	case TLS_OFF:
		break;
	}
	return "plain";
}

static void
thunderbird_server(const struct account *a, enum endpoint_kind kind,
    const char *element, const char *type)
{
	const struct endpoint	*e = &a->at[kind];

	if (e->port == 0)
		return;
	printf("    <%s type=\"%s\">\n", element, type);
	put_element("      ", "hostname", a->config->hostname);
	printf("      <port>%u</port>\n", e->port);
	put_element("      ", "socketType", thunderbird_socket(e->tls));
	put_element("      ", "authentication", "password-cleartext");
	put_element("      ", "username", "%EMAILADDRESS%");
	printf("    </%s>\n", element);
}

static void
thunderbird(const struct account *a)
{
	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<clientConfig version=\"1.1\">\n  <emailProvider id=\"");
	put_text(a->domain);
	printf("\">\n");
	put_element("    ", "domain", a->domain);
	put_element("    ", "displayName", a->domain);
	put_element("    ", "displayShortName", a->domain);
	thunderbird_server(a, ENDPOINT_IMAP, "incomingServer", "imap");
	thunderbird_server(a, ENDPOINT_POP3, "incomingServer", "pop3");
	thunderbird_server(a, ENDPOINT_SUBMISSION, "outgoingServer", "smtp");
	printf("  </emailProvider>\n</clientConfig>\n");
}

/* --- Outlook: autodiscover's answer for POP and IMAP accounts ------------ */

static void
outlook_protocol(const struct account *a, enum endpoint_kind kind,
    const char *type)
{
	const struct endpoint	*e = &a->at[kind];

	if (e->port == 0)
		return;
	printf("      <Protocol>\n");
	put_element("        ", "Type", type);
	put_element("        ", "Server", a->config->hostname);
	printf("        <Port>%u</Port>\n", e->port);
	put_element("        ", "LoginName", a->address);
	put_element("        ", "DomainRequired", "off");
	put_element("        ", "SPA", "off");
	put_element("        ", "SSL", e->tls == TLS_OFF ? "off" : "on");
	if (e->tls != TLS_OFF)
		put_element("        ", "Encryption",
		    e->tls == TLS_IMPLICIT ? "SSL" : "TLS");
	put_element("        ", "AuthRequired", "on");
	printf("      </Protocol>\n");
}

static void
outlook(const struct account *a)
{
	printf("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/"
	    "autodiscover/responseschema/2006\">\n"
	    "  <Response xmlns=\"http://schemas.microsoft.com/exchange/"
	    "autodiscover/outlook/responseschema/2006a\">\n"
	    "    <User>\n");
	put_element("      ", "DisplayName", a->address);
	printf("    </User>\n    <Account>\n");
	put_element("      ", "AccountType", "email");
	put_element("      ", "Action", "settings");
	outlook_protocol(a, ENDPOINT_IMAP, "IMAP");
	outlook_protocol(a, ENDPOINT_POP3, "POP3");
	outlook_protocol(a, ENDPOINT_SUBMISSION, "SMTP");
	printf("    </Account>\n  </Response>\n</Autodiscover>\n");
}

/* --- Apple: a configuration profile -------------------------------------- */

static void
plist_string(const char *key, const char *value)
{
	put_element("      ", "key", key);
	put_element("      ", "string", value);
}

static void
plist_bool(const char *key, bool value)
{
	put_element("      ", "key", key);
	printf("      <%s/>\n", value ? "true" : "false");
}

/*
 * The same for the same account, so that a newer profile takes the place of
 * an older one: RFC 9562 5.8, a UUID from a name by SHA-256.
 */
static void
plist_uuid(const struct account *a, const char *what)
{
	unsigned char	 d[EVP_MAX_MD_SIZE] = { 0 };
	char		 name[ADDRESS_NAME], uuid[40];

	snprintf(name, sizeof(name), "merpati:%s:%s", what, a->address);
	/* It cannot fail but for memory; then the name is still a UUID. */
	(void)EVP_Digest(name, strlen(name), d, NULL, EVP_sha256(), NULL);
	snprintf(uuid, sizeof(uuid), "%02X%02X%02X%02X-%02X%02X-%02X%02X-"
	    "%02X%02X-%02X%02X%02X%02X%02X%02X", d[0], d[1], d[2], d[3], d[4],
	    d[5], (d[6] & 0x0f) | 0x80, d[7], (d[8] & 0x3f) | 0x80, d[9],
	    d[10], d[11], d[12], d[13], d[14], d[15]);
	plist_string("PayloadUUID", uuid);
}

static void
apple_server(const struct account *a, const char *way,
    const struct endpoint *e)
{
	char	 key[64];

	snprintf(key, sizeof(key), "%sMailServerAuthentication", way);
	plist_string(key, "EmailAuthPassword");
	snprintf(key, sizeof(key), "%sMailServerHostName", way);
	plist_string(key, a->config->hostname);
	snprintf(key, sizeof(key), "%sMailServerPortNumber", way);
	put_element("      ", "key", key);
	printf("      <integer>%u</integer>\n", e->port);
	snprintf(key, sizeof(key), "%sMailServerUseSSL", way);
	plist_bool(key, e->tls != TLS_OFF);
	snprintf(key, sizeof(key), "%sMailServerUsername", way);
	plist_string(key, a->address);
}

static void
apple(const struct account *a)
{
	bool	 imap = a->at[ENDPOINT_IMAP].port != 0;

	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	    "<plist version=\"1.0\">\n<dict>\n"
	    "  <key>PayloadContent</key>\n  <array>\n    <dict>\n");
	plist_string("PayloadType", "com.apple.mail.managed");
	put_element("      ", "key", "PayloadVersion");
	printf("      <integer>1</integer>\n");
	plist_string("PayloadIdentifier", "merpati.mail");
	plist_uuid(a, "mail");
	plist_string("PayloadDisplayName", a->address);
	plist_string("EmailAccountDescription", a->address);
	plist_string("EmailAddress", a->address);
	plist_string("EmailAccountType", imap ? "EmailTypeIMAP" :
	    "EmailTypePOP");
	apple_server(a, "Incoming", &a->at[imap ? ENDPOINT_IMAP :
	    ENDPOINT_POP3]);
	apple_server(a, "Outgoing", &a->at[ENDPOINT_SUBMISSION]);
	plist_bool("OutgoingPasswordSameAsIncomingPassword", true);
	printf("    </dict>\n  </array>\n");
	plist_string("PayloadType", "Configuration");
	put_element("      ", "key", "PayloadVersion");
	printf("      <integer>1</integer>\n");
	plist_string("PayloadIdentifier", "merpati");
	plist_uuid(a, "profile");
	plist_string("PayloadDisplayName", a->address);
	printf("</dict>\n</plist>\n");
}

/* The configuration's own spelling of the domain; NULL: not ours. */
static const char *
our_domain(const struct config *c, const char *domain)
{
	size_t	 i;

	for (i = 0; i < c->domains.n; i++)
		if (strcasecmp(c->domains.item[i], domain) == 0)
			return c->domains.item[i];
	return strcasecmp(c->hostname, domain) == 0 ? c->hostname : NULL;
}

/* What a program is to know of "address", "domain" or, NULL, of any. */
static int
account_of(const struct config *c, const char *of, struct account *a)
{
	const char	*at = of == NULL ? NULL : strrchr(of, '@');
	const char	*domain;
	int		 k;

	*a = (struct account){ .config = c, .address = at == NULL ? NULL : of };
	domain = at != NULL ? at + 1 : of != NULL ? of :
	    c->domains.n > 0 ? c->domains.item[0] : c->hostname;
	if (at == of && of != NULL)
		return complain(EX_DATAERR, "%s is no address", shown(of));
	if (!text_is_utf8(slice_str(of == NULL ? "" : of)) ||
	    (of != NULL && strlen(of) >= ADDRESS_NAME - 32) ||
	    (a->domain = our_domain(c, domain)) == NULL)
		return complain(EX_DATAERR, "%s is none of our domains",
		    shown(domain));
	for (k = 0; k < ENDPOINT_KINDS; k++)
		a->at[k] = endpoint_best(c, (enum endpoint_kind)k);
	if (a->at[ENDPOINT_SUBMISSION].port == 0 ||
	    a->at[ENDPOINT_IMAP].port + a->at[ENDPOINT_POP3].port == 0)
		return complain(EX_CONFIG, "%s: mail programs need a "
		    "listener with the role submission and one of imapd or "
		    "pop3d", c->file);
	return EX_OK;
}

int
cmd_client_config(struct mailctl *m, int argc, char **argv)
{
	static const struct {
		const char	*name;
		void		(*print)(const struct account *);
		bool		 needs_address;
	}				 kinds[] = {
		{ "thunderbird", thunderbird, false },
		{ "outlook", outlook, true },
		{ "apple", apple, true },
	};
	static const struct option	 longs[] = { { NULL, 0, NULL, 0 } };
	struct account			 a;
	const char			*of;
	size_t				 i;
	int				 code;

	optind = 0;
	if (getopt_long(argc, argv, "", longs, NULL) != -1 ||
	    argc - optind < 1 || argc - optind > 2)
		return wrong_usage(client_usage);
	of = argc - optind == 2 ? argv[optind + 1] : NULL;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[optind], kinds[i].name) != 0)
			continue;
		if (kinds[i].needs_address &&
		    (of == NULL || strchr(of, '@') == NULL))
			break;
		if ((code = account_of(mailctl_config(m), of, &a)) == EX_OK)
			kinds[i].print(&a);
		return code;
	}
	return wrong_usage(client_usage);
}
