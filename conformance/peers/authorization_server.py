"""An authorization server built on Authlib, with one protected resource.

The argument is the client authentication: client_secret_basic (the default) or client_secret_post.
Prints the port it listens on. Needs the packages authlib and flask.
"""

import os
import sys
import time

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.flask_oauth2 import (
    AuthorizationServer,
    ResourceProtector,
)
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import Flask, jsonify
from werkzeug.serving import make_server

CLIENT_ID = "mdb_sa_id_32b6e34b3d91647abb20e7b8"
# In HTTP Basic, "%41" would be read as "A" if it were not form-encoded (RFC 6749 section 2.3.1).
CLIENT_SECRET = "mdb_sa_sk_authlib/+:%41secret"
METHOD = sys.argv[1] if len(sys.argv) > 1 else "client_secret_basic"


class Client(ClientMixin):
    def get_client_id(self):
        return CLIENT_ID

    def get_allowed_scope(self, scope):
        return scope or ""

    def check_client_secret(self, client_secret):
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return method == METHOD

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class Token(TokenMixin):
    def __init__(self, token):
        self.access_token = token["access_token"]
        self.expires_at = time.time() + token["expires_in"]
        self.revoked = False

    def check_client(self, client):
        return True

    def get_scope(self):
        return ""

    def get_expires_in(self):
        return self.expires_at - time.time()

    def is_expired(self):
        return self.expires_at < time.time()

    def is_revoked(self):
        return self.revoked


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = [METHOD]

    def query_token(self, token_string, token_type_hint):
        return tokens.get(token_string)

    def revoke_token(self, token, request):
        token.revoked = True


class Validator(BearerTokenValidator):
    def authenticate_token(self, token_string):
        return tokens.get(token_string)


tokens = {}
counts = {"token": 0}
app = Flask(__name__)


def save(token, request):
    tokens[token["access_token"]] = Token(token)


def find(client_id):
    return Client() if client_id == CLIENT_ID else None


server = AuthorizationServer(app, query_client=find, save_token=save)
server.register_grant(ClientCredentials)
server.register_endpoint(Revocation)
protect = ResourceProtector()
protect.register_token_validator(Validator())


@app.post("/api/oauth/token")
def token():
    counts["token"] += 1
    return server.create_token_response()


@app.post("/api/oauth/revoke")
def revoke():
    return server.create_endpoint_response("revocation")


@app.get("/api/atlas/v2/groups")
@protect()
def groups():
    return jsonify(results=[], totalCount=counts["token"])


@app.post("/forget")
def forget():
    tokens.clear()
    return jsonify()


if __name__ == "__main__":
    http = make_server("127.0.0.1", 0, app, threaded=True)
    print(http.server_port, flush=True)
    http.serve_forever()
