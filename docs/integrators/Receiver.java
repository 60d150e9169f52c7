import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A receiver of Wufei's webhooks that verifies; needs nothing but a JDK, 17 or newer.
 *
 * <pre>
 * export WUFEI_WEBHOOK_SECRET='whsec_…'    # or whpk_…; several, separated by spaces
 * java Receiver.java serve --port 9000     # receive; what is remembered is in receiver.state
 * java Receiver.java verify ID TIMESTAMP SIGNATURE &lt; body    # one delivery that was kept
 * java Receiver.java catch-up              # read the feed (WUFEI_URL, WUFEI_KEY)
 * java Receiver.java catch-up --follow     # and go on reading: where no webhook gets through
 * </pre>
 *
 * Put what your system does into {@link #handle}. Where it writes to a database, keep the ids
 * there too, under a unique key and in the same transaction, in place of {@link Ledger}: then an
 * event that comes twice works once. The JDK reads no JSON, so {@link Json} does; take the
 * library that you use.
 */
public final class Receiver {
    /** Seconds that a delivery's time may differ from ours, to either side. */
    private static final long TOLERANCE = 300;

    /** Bounds of what a stranger can make us read, try and keep. */
    private static final int MOST_BYTES = 1024 * 1024;
    private static final int MOST_SIGNATURES = 32;
    private static final int MOST_REMEMBERED = 100_000;

    /** Seconds for a whole request; we owe an answer within 15. */
    private static final int READ_WITHIN = 10;
    private static final int MOST_AT_ONCE = 64;
    private static final Duration CATCH_UP_EVERY = Duration.ofMinutes(10);

    private static final PrintStream OUT = new PrintStream(
            new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);

    /** A request that is not taken: the status of its answer, and why. */
    private static final class Refused extends Exception {
        final int status;

        Refused(int status, String reason) {
            super(reason);
            this.status = status;
        }
    }

    // --- 1. Verifying ------------------------------------------------------------------------

    /** One live key: {@code v1} of {@code whsec_…}, {@code v1a} of {@code whpk_…}. */
    private record Key(String version, SecretKeySpec secret, PublicKey publicKey) {
        /** What stands before the 32 bytes of an ed25519 key where Java reads one. */
        private static final byte[] X509 = HexFormat.of().parseHex("302a300506032b6570032100");

        static List<Key> readAll(String text) throws GeneralSecurityException {
            List<Key> keys = new ArrayList<>();
            for (String word : text.strip().split("\\s+")) {
                keys.add(read(word));
            }
            return keys;
        }

        private static Key read(String text) throws GeneralSecurityException {
            String encoded = text.substring(text.indexOf('_') + 1);
            byte[] raw = Base64.getDecoder().decode(encoded);
            if (text.startsWith("whsec_") && raw.length >= 24 && raw.length <= 64) {
                return new Key("v1", new SecretKeySpec(raw, "HmacSHA256"), null);
            }
            if (text.startsWith("whpk_") && raw.length == 32) {
                byte[] spec = Arrays.copyOf(X509, X509.length + raw.length);
                System.arraycopy(raw, 0, spec, X509.length, raw.length);
                KeyFactory factory = KeyFactory.getInstance("Ed25519");
                return new Key("v1a", null, factory.generatePublic(new X509EncodedKeySpec(spec)));
            }
            throw new IllegalArgumentException(
                    "WUFEI_WEBHOOK_SECRET is whsec_… or whpk_…, as it was shown");
        }

        /** Whether a signature is this key's; the comparison takes the same time always. */
        boolean fits(byte[] content, String signature) throws GeneralSecurityException {
            if (secret != null) {
                Mac mac = Mac.getInstance("HmacSHA256");
                mac.init(secret);
                byte[] expected = Base64.getEncoder().encode(mac.doFinal(content));
                return MessageDigest.isEqual(expected, signature.getBytes(StandardCharsets.UTF_8));
            }
            try {
                Signature verifier = Signature.getInstance("Ed25519");
                verifier.initVerify(publicKey);
                verifier.update(content);
                return verifier.verify(Base64.getDecoder().decode(signature));
            } catch (IllegalArgumentException | SignatureException malformed) {
                return false;
            }
        }
    }

    /** Does nothing where a signature is one of the keys'; versions unknown are skipped. */
    private static void verify(
            List<Key> keys, String id, String timestamp, String signatures, byte[] body)
            throws Refused, GeneralSecurityException {
        if (id == null || !id.matches(Event.ID)) {
            throw new Refused(400, "webhook-id is missing or malformed");
        }
        if (timestamp == null || !timestamp.matches("[0-9]{1,12}")) {
            throw new Refused(400, "webhook-timestamp is missing or malformed");
        }
        byte[] head = (id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8);
        byte[] content = Arrays.copyOf(head, head.length + body.length);
        System.arraycopy(body, 0, content, head.length, body.length);
        String[] words = (signatures == null ? "" : signatures).split(" ", MOST_SIGNATURES + 1);
        for (String word : words) {
            int comma = word.indexOf(',');
            for (Key key : keys) {
                if (comma > 0 && word.substring(0, comma).equals(key.version())
                        && key.fits(content, word.substring(comma + 1))) {
                    return;
                }
            }
        }
        throw new Refused(401, "no signature fits");
    }

    /**
     * Does nothing where a verified time is near ours. Wufei signs every attempt anew, so only a
     * recording or a wrong clock is too old or too new.
     */
    private static void checkTime(String timestamp, Instant now) throws Refused {
        if (Math.abs(now.getEpochSecond() - Long.parseLong(timestamp)) > TOLERANCE) {
            throw new Refused(400, "webhook-timestamp is too far from our time");
        }
    }

    // --- 2. Events ---------------------------------------------------------------------------

    /** Something that happened; {@code data} holds the type's own members. */
    private record Event(
            String id, long position, String type, String timestamp, String plan, String subject,
            Map<?, ?> actor, Map<?, ?> data) {
        static final String ID = "[A-Za-z0-9_-]{1,200}";

        /** Returns the event of a verified body. */
        static Event ofDelivery(String id, byte[] body) throws Refused {
            Event event;
            try {
                Map<?, ?> message = (Map<?, ?>) Json.read(body);
                Map<?, ?> data = (Map<?, ?>) message.get("data");
                event = of(data, (String) message.get("type"), message.get("timestamp"), data);
            } catch (CharacterCodingException | RuntimeException malformed) {
                throw new Refused(400, "the body is no event");
            }
            if (!event.id().equals(id)) {
                throw new Refused(400, "webhook-id is not the event's");
            }
            return event;
        }

        /** Returns an event as the feed has it. */
        static Event ofFeed(Map<?, ?> item) {
            Map<?, ?> data = (Map<?, ?>) item.get("data");
            return of(item, (String) item.get("type"), item.get("timestamp"), data);
        }

        /** Members that we do not know are passed over; one that must be there makes it fail. */
        private static Event of(Map<?, ?> item, String type, Object timestamp, Map<?, ?> data) {
            String id = (String) item.get("id");
            Map<?, ?> subject = (Map<?, ?>) item.get("subject");
            String name = subject.get("kind") + "/" + subject.get("id");
            long position = ((BigDecimal) item.get("position")).longValueExact();
            if (!id.matches(ID) || !type.matches("[A-Za-z0-9_.]{1,100}") || position < 1) {
                throw new IllegalArgumentException("no event");
            }
            return new Event(id, position, type, (String) timestamp, (String) item.get("plan"),
                    name, (Map<?, ?>) item.get("actor"), data);
        }
    }

    /**
     * Does with an event what your system does. Yours to write; an exception makes Wufei retry.
     *
     * <p>{@code late}: something newer of the same subject was handled before, so do not let this
     * one overwrite it. Types that you do not know are not a fault: pass over them. Keep it
     * short, or only store the event here and work it off elsewhere.
     */
    private static void handle(Event event, boolean late) {
        OUT.println("handled position=" + event.position() + " type=" + event.type()
                + " id=" + event.id() + (late ? " late" : ""));
    }

    // --- 3. What is remembered ---------------------------------------------------------------

    /** The ids that were handled, the newest position of each subject, how far the feed was read. */
    private static final class Ledger {
        private final Path path;
        private final Map<String, Long> seen = bounded(false);
        private final Map<String, Long> newest = bounded(true);
        private long feedPosition;
        private FileChannel file;
        private int lines;

        Ledger(Path path) throws IOException {
            this.path = path;
            if (Files.exists(path)) {
                for (String line : Files.readAllLines(path)) {
                    restore(line.split("\t", -1));
                }
            }
            rewrite();
        }

        private static Map<String, Long> bounded(boolean byUse) {
            return new LinkedHashMap<>(16, 0.75f, byUse) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
                    return size() > MOST_REMEMBERED;
                }
            };
        }

        /** Handles an event if it is new, and remembers it then; returns whether it was. */
        synchronized boolean take(Event event) throws IOException {
            if (seen.containsKey(event.id())) {
                return false;
            }
            boolean late = newest.getOrDefault(event.subject(), 0L) > event.position();
            handle(event, late);
            seen.put(event.id(), event.position());
            append("seen", event.id(), event.position());
            if (!late) {
                newest.put(event.subject(), event.position());
                append("newest", event.subject(), event.position());
            }
            file.force(false);
            if (lines > 4 * MOST_REMEMBERED) {
                rewrite();
            }
            return true;
        }

        /** The position up to which the feed was read: nothing up to it can be missing. */
        synchronized long feedPosition() {
            return feedPosition;
        }

        synchronized void feedPosition(long position) throws IOException {
            feedPosition = Math.max(feedPosition, position);
            append("feed", "", feedPosition);
            file.force(false);
        }

        /** Goes on from a position, an earlier one too: what came after it came to nothing. */
        synchronized void beginAnew(long position) throws IOException {
            forgetAfter(position);
            append("anew", "", position);
            file.force(false);
        }

        private void forgetAfter(long position) {
            feedPosition = position;
            newest.values().removeIf(one -> one > position);
        }

        private void restore(String[] parts) {
            // The last line may have been cut off in the middle.
            if (parts.length != 4 || !parts[3].equals(".")) {
                return;
            }
            String name = URLDecoder.decode(parts[1], StandardCharsets.UTF_8);
            long position = Long.parseLong(parts[2]);
            switch (parts[0]) {
                case "seen" -> seen.put(name, position);
                case "newest" -> newest.put(name, position);
                case "anew" -> forgetAfter(position);
                default -> feedPosition = Math.max(feedPosition, position);
            }
        }

        private void append(String kind, String name, long position) throws IOException {
            String line = String.join("\t", kind, URLEncoder.encode(name, StandardCharsets.UTF_8),
                    Long.toString(position), ".");
            file.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
            lines++;
        }

        /** Writes the file anew with what is still remembered. */
        private void rewrite() throws IOException {
            if (file != null) {
                file.close();
            }
            Path fresh = path.resolveSibling(path.getFileName() + ".new");
            file = FileChannel.open(fresh, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                    StandardOpenOption.TRUNCATE_EXISTING);
            lines = 0;
            for (Map.Entry<String, Long> one : seen.entrySet()) {
                append("seen", one.getKey(), one.getValue());
            }
            for (Map.Entry<String, Long> one : newest.entrySet()) {
                append("newest", one.getKey(), one.getValue());
            }
            append("feed", "", feedPosition);
            file.force(true);
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    // --- 4. The feed -------------------------------------------------------------------------

    /** Reads the numbered log, which is the truth also where no webhook gets through. */
    private record Feed(String url, String key, HttpClient client, Ledger ledger) {
        static Feed ofEnvironment(Ledger ledger) {
            String url = System.getenv("WUFEI_URL");
            String key = System.getenv("WUFEI_KEY");
            if (url == null || key == null) {
                return null;
            }
            Duration patience = Duration.ofSeconds(10);
            HttpClient client = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1).connectTimeout(patience).build();
            return new Feed(url.replaceAll("/+$", ""), key, client, ledger);
        }

        /**
         * Reads from where it was read to, until there is no more now. What came by webhook
         * already is passed over by its id. {@code wait} seconds are waited for the first event.
         */
        void catchUp(int wait) throws IOException, InterruptedException {
            boolean more = true;
            while (more) {
                String query = "/v1/events?limit=1000&after=" + ledger.feedPosition() + "&wait=" + wait;
                HttpRequest request = HttpRequest.newBuilder(URI.create(url + query))
                        .header("Authorization", "Bearer " + key)
                        .timeout(Duration.ofSeconds(wait + 30L))
                        .build();
                HttpResponse<byte[]> answer =
                        client.send(request, HttpResponse.BodyHandlers.ofByteArray());
                more = answer.statusCode() == 200 ? take(answer.body()) : meet(answer);
            }
            OUT.println("feed read to position=" + ledger.feedPosition());
        }

        private boolean take(byte[] body) throws IOException {
            Map<?, ?> page = (Map<?, ?>) Json.read(body);
            for (Object item : (List<?>) page.get("items")) {
                ledger.take(Event.ofFeed((Map<?, ?>) item));
            }
            ledger.feedPosition(((BigDecimal) page.get("last_position")).longValueExact());
            return (Boolean) page.get("has_more");
        }

        /** Goes on after a refusal where one can. */
        private boolean meet(HttpResponse<byte[]> answer) throws IOException, InterruptedException {
            switch (answer.statusCode()) {
                case 410 -> {
                    // What lies between is kept no more: read the things themselves anew, then
                    // go on here. After a restore of an older backup, here is before the position
                    // that was read to.
                    Map<?, ?> problem = (Map<?, ?>) Json.read(answer.body());
                    long oldest = ((BigDecimal) problem.get("oldest_position")).longValueExact();
                    OUT.println("feed gap: nothing before position=" + oldest + " is kept; copy anew");
                    ledger.beginAnew(oldest - 1);
                }
                case 429, 503 -> {
                    String pause = answer.headers().firstValue("Retry-After").orElse("");
                    long seconds = pause.matches("[0-9]{1,9}") ? Long.parseLong(pause) : 30;
                    Thread.sleep(1000 * Math.min(seconds, 3600));
                }
                default -> throw new IOException("the feed answers " + answer.statusCode());
            }
            return true;
        }

        void keepCatchingUp(int wait, Duration pause) {
            try {
                while (true) {
                    try {
                        catchUp(wait);
                    } catch (IOException | RuntimeException error) {
                        OUT.println("the feed could not be read; again in a while: " + error);
                        Thread.sleep(30_000);
                    }
                    Thread.sleep(pause.toMillis());
                }
            } catch (InterruptedException ended) {
                Thread.currentThread().interrupt();
            }
        }
    }

    // --- 5. The door -------------------------------------------------------------------------

    /** Takes POSTs at any path. Terminate TLS in front of it, with your usual web server. */
    private record Door(List<Key> keys, Ledger ledger) {
        /** Answers 204 to what is right, handled now or before; never 500. */
        void answer(HttpExchange exchange) {
            try (exchange) {
                try {
                    take(exchange);
                    exchange.sendResponseHeaders(204, -1);
                } catch (Refused refused) {
                    OUT.println("refused " + refused.status + " " + refused.getMessage());
                    say(exchange, refused.status, refused.getMessage());
                } catch (GeneralSecurityException | RuntimeException error) {
                    // Ours to mend; 503 tells Wufei to come again.
                    OUT.println("an event could not be handled: " + error);
                    say(exchange, 503, "try again later");
                }
            } catch (IOException broken) {
                OUT.println("the connection broke: " + broken.getMessage());
            }
        }

        private void take(HttpExchange exchange)
                throws Refused, IOException, GeneralSecurityException {
            if (!exchange.getRequestMethod().equals("POST")) {
                exchange.getResponseHeaders().set("Allow", "POST");
                throw new Refused(405, "only POST is taken here");
            }
            byte[] body = body(exchange);
            String id = exchange.getRequestHeaders().getFirst("webhook-id");
            String timestamp = exchange.getRequestHeaders().getFirst("webhook-timestamp");
            String signatures = exchange.getRequestHeaders().getFirst("webhook-signature");
            verify(keys, id, timestamp, signatures, body);
            checkTime(timestamp, Instant.now());
            Event event = Event.ofDelivery(id, body);
            try {
                if (!ledger.take(event)) {
                    OUT.println("repeated id=" + id);
                }
            } catch (IOException error) {
                // The disk's, not the connection's.
                throw new UncheckedIOException(error);
            }
        }

        /** Returns the raw bytes of the body: these are signed, not what a parser makes of them. */
        private static byte[] body(HttpExchange exchange) throws Refused, IOException {
            String length = exchange.getRequestHeaders().getFirst("Content-Length");
            if (length != null
                    && !(length.matches("[0-9]{1,9}") && Long.parseLong(length) <= MOST_BYTES)) {
                throw new Refused(413, "the body is too large");
            }
            try (InputStream stream = exchange.getRequestBody()) {
                byte[] body = stream.readNBytes(MOST_BYTES + 1);
                if (body.length > MOST_BYTES) {
                    throw new Refused(413, "the body is too large");
                }
                return body;
            }
        }

        private static void say(HttpExchange exchange, int status, String reason)
                throws IOException {
            byte[] text = reason.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
            exchange.getResponseHeaders().set("Connection", "close");
            exchange.sendResponseHeaders(status, text.length);
            exchange.getResponseBody().write(text);
        }
    }

    // --- 6. JSON -----------------------------------------------------------------------------

    /** Reads JSON into maps, lists, strings, exact numbers, booleans and null. */
    private static final class Json {
        private static final int DEEPEST = 64;
        private static final int LONGEST_NUMBER = 100;

        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        static Object read(byte[] bytes) throws CharacterCodingException {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            Json json = new Json(StandardCharsets.UTF_8.newDecoder().decode(buffer).toString());
            Object value = json.value(0);
            json.skip();
            json.require(json.at == json.text.length());
            return value;
        }

        private Object value(int depth) {
            require(depth < DEEPEST);
            skip();
            switch (peek()) {
                case '{':
                    return object(depth);
                case '[':
                    return array(depth);
                case '"':
                    return string();
                default:
                    return word();
            }
        }

        private Map<String, Object> object(int depth) {
            Map<String, Object> members = new LinkedHashMap<>();
            at++;
            if (!next('}')) {
                do {
                    skip();
                    String name = string();
                    require(next(':'));
                    members.put(name, value(depth + 1));
                } while (next(','));
                require(next('}'));
            }
            return members;
        }

        private List<Object> array(int depth) {
            List<Object> items = new ArrayList<>();
            at++;
            if (!next(']')) {
                do {
                    items.add(value(depth + 1));
                } while (next(','));
                require(next(']'));
            }
            return items;
        }

        private String string() {
            require(peek() == '"');
            StringBuilder made = new StringBuilder();
            for (at++; peek() != '"'; at++) {
                made.append(peek() == '\\' ? escaped() : peek());
            }
            at++;
            return made.toString();
        }

        private char escaped() {
            at++;
            if (peek() == 'u') {
                at += 4;
                peek();
                return (char) HexFormat.fromHexDigits(text, at - 3, at + 1);
            }
            int which = "\"\\/bfnrt".indexOf(peek());
            require(which >= 0);
            return "\"\\/\b\f\n\r\t".charAt(which);
        }

        private Object word() {
            int from = at;
            while (at < text.length() && ",]} \t\r\n".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            String word = text.substring(from, at);
            switch (word) {
                case "true":
                    return Boolean.TRUE;
                case "false":
                    return Boolean.FALSE;
                case "null":
                    return null;
                default:
                    require(word.length() <= LONGEST_NUMBER);
                    return new BigDecimal(word);
            }
        }

        private boolean next(char wanted) {
            skip();
            if (at < text.length() && text.charAt(at) == wanted) {
                at++;
                return true;
            }
            return false;
        }

        private void skip() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }

        private char peek() {
            require(at < text.length());
            return text.charAt(at);
        }

        private void require(boolean fits) {
            if (!fits) {
                throw new IllegalArgumentException("no JSON at character " + at);
            }
        }
    }

    // --- 7. The program ----------------------------------------------------------------------

    private static void serve(List<Key> keys, List<String> arguments) throws IOException {
        // The server's own deadline for reading a request, in seconds; it is read at its start.
        System.setProperty("sun.net.httpserver.maxReqTime", Integer.toString(READ_WITHIN));
        String host = option(arguments, "--host", "127.0.0.1");
        int port = Integer.parseInt(option(arguments, "--port", "9000"));
        Ledger ledger = new Ledger(Path.of(option(arguments, "--state", "receiver.state")));
        Door door = new Door(keys, ledger);
        HttpServer server = HttpServer.create(new InetSocketAddress(host, port), 128);
        server.createContext("/", door::answer);
        server.setExecutor(Executors.newFixedThreadPool(MOST_AT_ONCE));
        server.start();
        OUT.println("listening on http://" + host + ":" + server.getAddress().getPort() + "/");
        Feed feed = Feed.ofEnvironment(ledger);
        if (feed != null) {
            Thread reading = new Thread(() -> feed.keepCatchingUp(0, CATCH_UP_EVERY));
            reading.setDaemon(true);
            reading.start();
        }
    }

    private static void readFeed(List<String> arguments) throws IOException, InterruptedException {
        Ledger ledger = new Ledger(Path.of(option(arguments, "--state", "receiver.state")));
        Feed feed = Feed.ofEnvironment(ledger);
        if (feed == null) {
            throw new IllegalArgumentException("set WUFEI_URL and WUFEI_KEY");
        }
        if (arguments.contains("--follow")) {
            feed.keepCatchingUp(30, Duration.ZERO);
        }
        feed.catchUp(0);
    }

    private static String option(List<String> arguments, String name, String otherwise) {
        int place = arguments.indexOf(name);
        return place < 0 ? otherwise : arguments.get(place + 1);
    }

    private static List<Key> keys() throws GeneralSecurityException {
        return Key.readAll(System.getenv().getOrDefault("WUFEI_WEBHOOK_SECRET", ""));
    }

    /** Runs one of the three commands. */
    public static void main(String[] words) throws InterruptedException {
        List<String> arguments = List.of(words);
        try {
            switch (arguments.isEmpty() ? "" : arguments.get(0)) {
                case "serve" -> serve(keys(), arguments);
                case "catch-up" -> readFeed(arguments);
                case "verify" -> {
                    byte[] body = System.in.readAllBytes();
                    verify(keys(), words[1], words[2], words[3], body);
                    long age = Instant.now().getEpochSecond() - Long.parseLong(words[2]);
                    OUT.println("the signature fits; it was made " + age + " seconds ago");
                }
                default -> throw new IllegalArgumentException("serve, verify or catch-up");
            }
        } catch (Refused refused) {
            OUT.println("refused " + refused.status + " " + refused.getMessage());
            System.exit(1);
        } catch (GeneralSecurityException | IOException | RuntimeException error) {
            OUT.println(error);
            System.exit(1);
        }
    }
}
